from pathlib import Path

import pytest

from forkresize.errors import UsageError
from forkresize.plan import OverwriteGuard


def job(source: Path, destination: Path) -> tuple[str, str]:
    return str(destination), str(source)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("in/sub", "in/out", "out"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_a_destination_apart_is_free(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in")], str(tree / "out"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "out/a.jpg"))
    assert not guard.forbids(*job(tree / "in/sub/a.jpg", tree / "out/missing/a.jpg"))


def test_a_destination_inside_a_source_is_free(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in")], str(tree / "in/out"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "in/out/a.jpg"))


@pytest.mark.parametrize("spelling", ["in", "in/", "in/.", "in/sub/..", "link"])
def test_a_source_is_no_destination_however_it_is_spelled(tree: Path, spelling: str) -> None:
    (tree / "link").symlink_to(tree / "in")
    with pytest.raises(UsageError, match="is a source too"):
        OverwriteGuard([str(tree / "in")], f"{tree}/{spelling}")


def test_a_file_is_no_destination(tree: Path) -> None:
    (tree / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file"):
        OverwriteGuard([str(tree / "in")], str(tree / "file"))


def test_a_link_in_the_destination_does_not_lead_back_to_the_sources(tree: Path) -> None:
    (tree / "out/sub").symlink_to(tree / "in/sub")
    guard = OverwriteGuard([str(tree / "in")], str(tree / "out"))
    assert guard.forbids(*job(tree / "in/sub/a.jpg", tree / "out/sub/a.jpg"))


def test_a_destination_around_its_source_may_not_write_into_it(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in")], str(tree))
    assert guard.forbids(*job(tree / "in/in/a.jpg", tree / "in/a.jpg"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "a.jpg"))


def test_a_file_does_not_overwrite_another_that_was_named(tree: Path) -> None:
    (tree / "out/b.jpg").write_bytes(b"")
    (tree / "link.jpg").symlink_to(tree / "out/b.jpg")
    guard = OverwriteGuard([], str(tree / "out"))
    assert not guard.forbids(*job(tree / "a.jpg", tree / "out/b.jpg"))
    guard.keep([str(tree / "link.jpg"), str(tree / "elsewhere.jpg")])
    assert guard.forbids(*job(tree / "a.jpg", tree / "out/b.jpg"))
    assert not guard.forbids(*job(tree / "a.jpg", tree / "out/c.jpg"))


def test_outputs_are_told_from_sources_by_where_the_list_starts(tree: Path) -> None:
    guard = OverwriteGuard([], str(tree / "out"))
    assert guard.is_output(str(tree / "out/a.jpg"), str(tree))
    assert guard.is_output(str(tree / "out"), str(tree))
    assert not guard.is_output(str(tree / "in/a.jpg"), str(tree))
    assert not guard.is_output(str(tree / "out/a.jpg"), str(tree / "out"))


def test_a_file_does_not_overwrite_itself(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in/a.jpg")], str(tree / "in"))
    assert guard.forbids(*job(tree / "in/a.jpg", tree / "in/a.jpg"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "in/a.webp"))
