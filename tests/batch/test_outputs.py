"""How outputs get into their places, and what remains where that fails."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from forkresize import Failed
from forkresize.errors import DestinationError
from forkresize.outcome import Reason
from forkresize.pool import SandboxMode
from forkresize.store.staging import write_staged
from tests.batch.kill_at import kill_at
from tests.batch.placed import Make, left, width
from tests.protocols import Draw


@pytest.mark.parametrize(
    ("code", "fatal"), [(errno.ENOSPC, True), (errno.EROFS, True), (errno.EACCES, True), (errno.EIO, False)]
)
@pytest.mark.parametrize("function", ["mkdir", "rename"])
def test_an_output_that_cannot_be_placed_has_failed(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, function: str, code: int, fatal: bool
) -> None:
    real = getattr(os, function)

    def refuse(*arguments: Any, **options: Any) -> Any:
        if arguments[-1] in {"sub", "a.jpg"} or arguments[0] == "sub":
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    monkeypatch.setattr(os, function, refuse)
    summary, (outcome,) = make(name="sub/{stem}{ext}")
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, outcome.detail.fatal) == (Reason.NOT_WRITTEN, fatal)
    assert outcome.error == f"{tmp_path}/out/sub/a.jpg: {os.strerror(code)}"
    assert summary.exit_code == (3 if fatal else 1)
    assert [name for name in left(tmp_path) if name != "sub"] == []


def test_an_output_with_a_name_that_is_too_long_has_failed(tmp_path: Path, make: Make) -> None:
    _, (outcome,) = make(name=f"{'x' * 300}{{ext}}")
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.NOT_WRITTEN
    assert "File name too long" in outcome.error


@pytest.mark.parametrize("target", ["elsewhere", "out/real", "nowhere"])
def test_outputs_are_not_written_through_links_in_the_destination(tmp_path: Path, make: Make, target: str) -> None:
    for folder in ("elsewhere", "out/real"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "out/sub").symlink_to(tmp_path / target)
    summary, (outcome,) = make(name="sub/deep/{stem}{ext}")
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, outcome.detail.fatal, summary.exit_code) == (Reason.NOT_WRITTEN, False, 1)
    assert outcome.error.endswith(
        f"{tmp_path}/out/sub is a symbolic link; outputs are not written through links in the destination"
    )
    assert left(tmp_path) == ["real", "sub"]
    assert os.listdir(tmp_path / "elsewhere") == os.listdir(tmp_path / "out/real") == []


def test_a_link_in_the_place_of_an_output_is_replaced(tmp_path: Path, make: Make) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "out/a.jpg").symlink_to(tmp_path / "precious")
    assert make()[0].written == 1
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert width(tmp_path / "out/a.jpg") == 16
    assert not (tmp_path / "out/a.jpg").is_symlink()


def test_a_destination_that_is_a_link_is_followed(tmp_path: Path, make: Make) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    assert make(sandbox=SandboxMode.AUTO)[0].written == 1
    assert width(tmp_path / "real/a.jpg") == 16


@pytest.mark.slow
def test_an_output_a_thousand_directories_deep_is_made(tmp_path: Path, deep_path: Path, make: Make) -> None:
    deep = "d/" * 1000
    (tmp_path / "out").symlink_to(deep_path)
    summary, (outcome,) = make(name=f"{deep}{{stem}}{{ext}}", sandbox=SandboxMode.AUTO)
    assert (outcome.status, outcome.error, summary.exit_code) == ("written", "", 0)
    assert width(tmp_path / "out" / deep / "a.jpg") == 16
    assert make(name=f"{deep}{{stem}}{{ext}}")[0].unchanged == 1


def test_outputs_have_the_permissions_of_new_files(tmp_path: Path, make: Make) -> None:
    before = os.umask(0o027)
    try:
        make(name="sub/{stem}{ext}", sandbox=SandboxMode.AUTO)
    finally:
        os.umask(before)
    assert (tmp_path / "out/sub/a.jpg").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "out/sub").stat().st_mode & 0o777 == 0o750


def test_an_output_in_another_file_system_is_copied(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def refuse(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if not os.path.samestat(os.fstat(src_dir_fd), os.fstat(dst_dir_fd)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", refuse)
    for size in (8, 16):
        assert make(name="sub/{stem}{ext}", widths=size)[0].written == 1
        assert width(tmp_path / "out/sub/a.jpg") == size
        assert left(tmp_path) == ["sub", "sub/a.jpg"]
    assert make(name="sub/{stem}{ext}", widths=16)[0].unchanged == 1


def test_a_directory_that_another_shard_removes_is_created_again(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename
    removed: list[str] = []

    def remove_first(old: str, new: str, **directories: int) -> None:
        if not removed:
            os.rmdir(tmp_path / "out/sub")
            removed.append("sub")
        rename(old, new, **directories)

    monkeypatch.setattr(os, "rename", remove_first)
    assert make(name="sub/{stem}{ext}")[0].written == 1
    assert removed
    assert width(tmp_path / "out/sub/a.jpg") == 16


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_run_without_a_staging_directory_does_nothing(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    mkdir = os.mkdir

    def refuse(path: str, *arguments: Any, **options: Any) -> None:
        if os.path.basename(path).startswith(".forkresize-"):
            raise OSError(code, os.strerror(code))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(DestinationError, match=os.strerror(code)):
        make()
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "turn"),
    [("lstat", 1), *(("mkdir", turn) for turn in range(1, 5)), *(("rename", turn) for turn in (1, 2)), ("rmdir", 1),
     ("rmdir", 2), ("unlink", 1)],
)  # fmt: skip
def test_a_run_that_is_killed_leaves_nothing_after_the_next(
    tmp_path: Path, make: Make, draw: Draw, name: str, turn: int
) -> None:
    draw(tmp_path / "in/sub/b.jpg")
    (tmp_path / "out").mkdir()
    program = "run(['in'], 'out', Recipe.of(width=16), settings=Settings(pool=PoolOptions(workers=1)))"
    kill_at(name, turn, program, cwd=tmp_path)
    # A worker that has not noticed yet that its parent is dead holds the lock with it.
    assert make(lock_wait=30)[0].exit_code == 0
    assert left(tmp_path) == ["a.jpg", "sub", "sub/b.jpg"]
    assert os.listdir(tmp_path / "out/.forkresize") == ["ledger.db"]
    assert make()[0].unchanged == 2


@pytest.mark.parametrize("removed", ["", "staging"])
def test_a_run_ends_when_its_staging_directory_is_removed(
    tmp_path: Path, photo: Path, make: Make, removed: str
) -> None:
    for number in range(20):
        (photo.parent / f"{number}.jpg").write_bytes(photo.read_bytes())

    def remove_directory(path: str, _: bytes) -> None:
        shutil.rmtree(os.path.dirname(path) if removed else tmp_path / "out", ignore_errors=True)
        write_staged(path, b"pixels")

    summary, outcomes = make(remove_directory)
    assert (summary.exit_code, summary.written) == (3, 0)
    # Two that the worker has finished, and two that it was given before the first outcome stopped the run.
    assert 1 <= len(outcomes) <= 4
    assert isinstance(outcomes[0].detail, Failed)
    assert "was removed during the run" in outcomes[0].detail.error
