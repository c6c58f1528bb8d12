"""Index files: what they may replace, and that they are replaced atomically."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from forkresize.errors import DestinationError, UsageError
from forkresize.report.index.index_file import IndexFormat, RelativePath, commit, stage_at_end
from forkresize.report.index.outputs import OutputFile, SourceOutputs


def render(entries: Iterable[SourceOutputs], relative: RelativePath) -> Iterator[str]:
    yield "list\n"
    for entry in entries:
        yield f"{entry.name}: {', '.join(relative(output.path) for output in entry.renditions)}\n"


FORMAT = IndexFormat("list", re.compile(b"list"), render)


def entry(*paths: str) -> SourceOutputs:
    return SourceOutputs("a.jpg", 7, tuple(OutputFile(path, 4, 3, "jpeg", 9) for path in paths))


def written(path: Path, *entries: SourceOutputs) -> str:
    lists = [FORMAT.file(str(path))]
    with stage_at_end(lists, entries):
        pass
    commit(lists)
    return path.read_text()


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("content", [None, "", "list\nold\n"])
def test_missing_empty_and_earlier_files_are_replaced(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_text(content)
    FORMAT.file(str(path)).check("out")
    assert written(path) == "list\n"
    assert names(tmp_path) == ["list.txt"]


def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UsageError, match=r"photo\.jpg' exists and is not a list: remove it first"):
        FORMAT.file(str(path)).check("out")
    with pytest.raises(DestinationError, match="is not a list"):
        written(path)
    assert path.read_bytes() == b"\xff\xd8\xff"
    assert names(tmp_path) == ["photo.jpg"]


def test_missing_directory_is_refused_unless_the_run_creates_it(tmp_path: Path) -> None:
    file = FORMAT.file(str(tmp_path / "out/list.txt"))
    with pytest.raises(UsageError, match=r"cannot write the list '.*out/list\.txt': there is no directory"):
        file.check(str(tmp_path / "elsewhere"))
    with pytest.raises(UsageError, match="create it first"):
        file.check(str(tmp_path / "out-of-here"))
    file.check(str(tmp_path / "out"))
    file.check(str(tmp_path / "out/below/it"))


@pytest.mark.parametrize(("name", "why"), [("n" * 300, "File name too long"), ("folder", "not a regular file")])
def test_path_that_cannot_be_a_file_is_refused(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DestinationError, match=why):
        FORMAT.file(str(tmp_path / name)).check("out")


def test_unwritable_directory_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != os.path.realpath(tmp_path) or not mode & os.W_OK)
    with pytest.raises(DestinationError, match="directory is not writable"):
        FORMAT.file(str(tmp_path / "list.txt")).check("out")


def test_last_file_is_kept_until_commit(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("list\nold\n")
    lists = [FORMAT.file(str(path))]
    with stage_at_end(lists, [entry("b.jpg")]):
        assert names(tmp_path) == ["list.txt"]
    assert path.read_text() == "list\nold\n"
    commit(lists)
    assert names(tmp_path) == ["list.txt"]
    assert path.read_text() != "list\nold\n"


def test_discard_keeps_the_last_file(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("list\nold\n")
    file = FORMAT.file(str(path))
    with stage_at_end([file], []):
        pass
    file.discard()
    assert names(tmp_path) == ["list.txt"]
    assert path.read_text() == "list\nold\n"


def test_interrupted_run_stages_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), stage_at_end([FORMAT.file(str(tmp_path / "list.txt"))], []):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_all_files_are_staged_or_none(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    lists = [FORMAT.file(str(tmp_path / name)) for name in ("list.txt", "out/list.txt")]
    with pytest.raises(DestinationError, match=r"out/list\.txt.*No such file"), stage_at_end(lists, []):
        (tmp_path / "out").rmdir()
    assert names(tmp_path) == []


def test_failed_commit_leaves_no_temporary_file(tmp_path: Path) -> None:
    lists = [FORMAT.file(str(tmp_path / name)) for name in ("a.txt", "b.txt")]
    with stage_at_end(lists, []):
        pass
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(DestinationError, match=r"a\.txt.*Is a directory"):
        commit(lists)
    assert names(tmp_path) == ["a.txt"]


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
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
def test_paths_are_relative_to_the_directory_of_the_file(
    tmp_path: Path, path: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site").mkdir()
    Path("site/store").symlink_to(tmp_path / "elsewhere")
    assert written(Path("site/list.txt"), entry(path)) == f"list\na.jpg: {place}\n"


def test_relative_paths_from_a_linked_directory_open_the_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk/far/site").mkdir(parents=True)
    (tmp_path / "home/out").mkdir(parents=True)
    (tmp_path / "home/site").symlink_to("../disk/far/site")
    (tmp_path / "home/out/a.jpg").touch()
    monkeypatch.chdir(tmp_path / "home")
    place = written(Path("site/list.txt"), entry("out/a.jpg")).split(": ")[1].strip()
    assert os.path.samefile(os.path.join("site", place), "out/a.jpg")
