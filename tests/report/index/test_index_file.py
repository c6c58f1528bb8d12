"""What a list may replace, and that it is in its place whole or not at all."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from forkresize.errors import DestinationError, UsageError
from forkresize.report.index.index_file import IndexFile, IndexFormat, RelativePath, commit, staged
from forkresize.report.index.output_index import OutputFile, SourceOutputs


def parts(entries: Iterable[SourceOutputs], place: RelativePath) -> Iterator[str]:
    yield "list\n"
    for entry in entries:
        yield f"{entry.name}: {', '.join(place(listed.path) for listed in entry.renditions)}\n"


KIND = IndexFormat("list", re.compile(b"list"), parts)


def entry(*paths: str) -> SourceOutputs:
    return SourceOutputs("a.jpg", 7, tuple(OutputFile(path, 4, 3, "jpeg", 9) for path in paths))


def written(path: Path, *entries: SourceOutputs) -> str:
    lists = [IndexFile(str(path), KIND)]
    with staged(lists, entries):
        pass
    commit(lists)
    return path.read_text()


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("content", [None, "", "list\nold\n"])
def test_a_missing_an_empty_and_an_earlier_list_are_written_anew(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_text(content)
    IndexFile(str(path), KIND).check("out")
    assert written(path) == "list\n"
    assert names(tmp_path) == ["list.txt"]


def test_another_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UsageError, match=r"photo\.jpg' would replace a file that is no list; remove it first"):
        IndexFile(str(path), KIND).check("out")
    with pytest.raises(DestinationError, match="no list"):
        written(path)
    assert path.read_bytes() == b"\xff\xd8\xff"
    assert names(tmp_path) == ["photo.jpg"]


def test_a_list_in_a_missing_directory_is_refused_unless_the_run_makes_it(tmp_path: Path) -> None:
    listing = IndexFile(str(tmp_path / "out/list.txt"), KIND)
    with pytest.raises(UsageError, match=r"out/list\.txt' can't be written: there is no directory"):
        listing.check(str(tmp_path / "elsewhere"))
    listing.check(str(tmp_path / "out"))


@pytest.mark.parametrize(("name", "why"), [("n" * 300, "File name too long"), ("folder", "not a regular file")])
def test_what_can_be_no_file_is_refused(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DestinationError, match=why):
        IndexFile(str(tmp_path / name), KIND).check("out")


def test_a_directory_that_may_not_be_written_to_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The superuser may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != os.path.realpath(tmp_path) or not mode & os.W_OK)
    with pytest.raises(DestinationError, match="may not be written to"):
        IndexFile(str(tmp_path / "list.txt"), KIND).check("out")


def test_the_last_list_is_there_until_the_new_one_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("list\nold\n")
    lists = [IndexFile(str(path), KIND)]
    with staged(lists, [entry("b.jpg")]):
        assert names(tmp_path) == ["list.txt"]
    assert path.read_text() == "list\nold\n"
    commit(lists)
    assert names(tmp_path) == ["list.txt"]
    assert path.read_text() != "list\nold\n"


def test_a_list_that_is_discarded_leaves_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("list\nold\n")
    listing = IndexFile(str(path), KIND)
    with staged([listing], []):
        pass
    listing.discard()
    assert names(tmp_path) == ["list.txt"]
    assert path.read_text() == "list\nold\n"


def test_a_run_that_breaks_off_stages_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staged([IndexFile(str(tmp_path / "list.txt"), KIND)], []):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_of_several_lists_all_are_staged_or_none(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    lists = [IndexFile(str(tmp_path / name), KIND) for name in ("list.txt", "out/list.txt")]
    with pytest.raises(DestinationError, match=r"out/list\.txt.*No such file"), staged(lists, []):
        (tmp_path / "out").rmdir()
    assert names(tmp_path) == []


def test_a_list_that_can_not_be_put_in_its_place_leaves_nothing(tmp_path: Path) -> None:
    lists = [IndexFile(str(tmp_path / name), KIND) for name in ("a.txt", "b.txt")]
    with staged(lists, []):
        pass
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(DestinationError, match=r"a\.txt.*Is a directory"):
        commit(lists)
    assert names(tmp_path) == ["a.txt"]


def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "list.txt").symlink_to("public/list.txt")
    assert written(tmp_path / "list.txt") == "list\n"
    assert (tmp_path / "list.txt").is_symlink()
    assert names(tmp_path / "public") == ["list.txt"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("site/img/a.jpg", "img/a.jpg"),
        ("site/a.jpg", "a.jpg"),
        ("site/..a/a.jpg", "..a/a.jpg"),
        ("out/a.jpg", "../out/a.jpg"),
        ("site/store/a.jpg", "store/a.jpg"),
        ("./site/../out/a.jpg", "../out/a.jpg"),
    ],
)
def test_outputs_are_told_from_where_the_list_lies(
    tmp_path: Path, path: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site").mkdir()
    Path("site/store").symlink_to(tmp_path / "elsewhere")
    assert written(Path("site/list.txt"), entry(path)) == f"list\na.jpg: {place}\n"


def test_the_way_up_from_a_linked_directory_is_the_one_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk/far/site").mkdir(parents=True)
    (tmp_path / "home/out").mkdir(parents=True)
    (tmp_path / "home/site").symlink_to("../disk/far/site")
    (tmp_path / "home/out/a.jpg").touch()
    monkeypatch.chdir(tmp_path / "home")
    place = written(Path("site/list.txt"), entry("out/a.jpg")).split(": ")[1].strip()
    assert os.path.samefile(os.path.join("site", place), "out/a.jpg")
