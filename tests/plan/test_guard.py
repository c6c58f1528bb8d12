"""Which outputs are forbidden because they would overwrite a source."""

from pathlib import Path

import pytest

from forkresize.errors import FieldError
from forkresize.plan import OverwriteGuard


def job(source: Path, destination: Path) -> tuple[str, str]:
    return str(destination), str(source)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("in/sub", "in/out", "out"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_a_separate_destination_is_allowed(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in")], str(tree / "out"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "out/a.jpg"))
    assert not guard.forbids(*job(tree / "in/sub/a.jpg", tree / "out/missing/a.jpg"))


def test_a_destination_inside_a_source_is_allowed(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in")], str(tree / "in/out"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "in/out/a.jpg"))


@pytest.mark.parametrize("spelling", ["in", "in/", "in/.", "in/sub/..", "link"])
def test_a_source_cannot_be_the_destination_in_any_spelling(tree: Path, spelling: str) -> None:
    (tree / "link").symlink_to(tree / "in")
    with pytest.raises(FieldError, match="is also a source"):
        OverwriteGuard([str(tree / "in")], f"{tree}/{spelling}")


def test_a_file_cannot_be_the_destination(tree: Path) -> None:
    (tree / "file").write_bytes(b"")
    with pytest.raises(FieldError, match="is a file"):
        OverwriteGuard([str(tree / "in")], str(tree / "file"))


def test_a_link_in_the_destination_that_leads_to_sources_is_forbidden(tree: Path) -> None:
    (tree / "out/sub").symlink_to(tree / "in/sub")
    guard = OverwriteGuard([str(tree / "in")], str(tree / "out"))
    assert guard.forbids(*job(tree / "in/sub/a.jpg", tree / "out/sub/a.jpg"))


def test_a_destination_around_a_source_must_not_write_into_it(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in")], str(tree))
    assert guard.forbids(*job(tree / "in/in/a.jpg", tree / "in/a.jpg"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "a.jpg"))


def test_an_output_must_not_overwrite_another_named_source(tree: Path) -> None:
    (tree / "out/b.jpg").write_bytes(b"")
    (tree / "link.jpg").symlink_to(tree / "out/b.jpg")
    guard = OverwriteGuard([], str(tree / "out"))
    assert not guard.forbids(*job(tree / "a.jpg", tree / "out/b.jpg"))
    guard.add_sources([str(tree / "link.jpg"), str(tree / "elsewhere.jpg")])
    assert guard.forbids(*job(tree / "a.jpg", tree / "out/b.jpg"))
    assert not guard.forbids(*job(tree / "a.jpg", tree / "out/c.jpg"))


def test_listed_outputs_are_recognized_from_a_directory_around_the_destination(tree: Path) -> None:
    guard = OverwriteGuard([], str(tree / "out"))
    assert guard.is_output(str(tree / "out/a.jpg"), str(tree))
    assert guard.is_output(str(tree / "out"), str(tree))
    assert not guard.is_output(str(tree / "in/a.jpg"), str(tree))
    assert not guard.is_output(str(tree / "out/a.jpg"), str(tree / "out"))


def test_an_output_must_not_overwrite_its_own_source(tree: Path) -> None:
    guard = OverwriteGuard([str(tree / "in/a.jpg")], str(tree / "in"))
    assert guard.forbids(*job(tree / "in/a.jpg", tree / "in/a.jpg"))
    assert not guard.forbids(*job(tree / "in/a.jpg", tree / "in/a.webp"))


@pytest.mark.parametrize(
    "folder", ["out/in", "out/far/..", "out/up/sub", "out/up/sub/../sub", "out//up//sub/", "out/far/missing/../../sub"]
)
def test_a_directory_is_found_behind_links_wherever_they_are_in_its_path(tree: Path, folder: str) -> None:
    (tree / "out/in").symlink_to(tree / "in")
    (tree / "out/up").symlink_to("../in")
    (tree / "out/far").symlink_to(tree / "in/sub")
    guard = OverwriteGuard([str(tree / "in")], str(tree / "out"))
    for _ in range(2):
        assert guard.forbids(f"{tree}/{folder}/b.jpg", f"{tree}/in/a.jpg")
        assert not guard.allows_all(f"{tree}/{folder}/", f"{tree}/in/")
    assert guard.allows_all(f"{tree}/out/sub/", f"{tree}/in/")
