"""How outputs get into their places: what workers wrote is checked and moved, and nothing else is left."""

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize import Failed, Outcome, PoolOptions, Recipe, Settings, Summary, Written, run
from forkresize.errors import DestinationError
from forkresize.outcome import Reason
from forkresize.pool import SandboxMode
from forkresize.pool.sandbox import missing_layers
from forkresize.store import STATE_DIR, LocalStore
from forkresize.store.staging import write_staged
from tests.batch.kill_at import kill_at
from tests.protocols import Draw

Make = Callable[..., tuple[Summary, list[Outcome]]]
Stage = Callable[[str, bytes], None]


@pytest.fixture
def photo(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path / "in/a.jpg")


@pytest.fixture
def make(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Run with workers that do something else instead of writing a staged file: given its path and data."""
    real = LocalStore.stage

    def make_all(
        stage: Stage | None = None,
        widths: Any = 16,
        sandbox: SandboxMode = SandboxMode.OFF,
        retries: int = 0,
        **settings: Any,
    ) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        if stage is not None:
            monkeypatch.setattr(LocalStore, "stage", lambda store, key, data: stage(store.location(key), data))
        asked = Settings(pool=PoolOptions(workers=1, retries=retries), sandbox=sandbox, **settings)
        recipe = Recipe.of(width=widths)
        summary = run([photo.parent], tmp_path / "out", recipe, settings=asked, observers=[outcomes.append])
        monkeypatch.setattr(LocalStore, "stage", real)
        return summary, outcomes

    return make_all


def width(path: Path) -> int:
    with Image.open(path) as image:
        image.load()
        return image.width


def left(tmp_path: Path) -> list[str]:
    found = (path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*"))
    return sorted(str(path) for path in found if path.parts[0] != STATE_DIR)


def write(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)


LIES: dict[str, Stage] = {
    "nothing": lambda _path, _data: None,
    "less": lambda path, data: write(path, data[:-1]),
    "more": lambda path, data: write(path, data + b"x"),
    "symbolic link": lambda path, data: os.symlink(precious(path, data), path),
    "hard link": lambda path, data: os.link(precious(path, data), path),
    "directory": lambda path, _data: os.mkdir(path),
    "pipe": lambda path, _data: os.mkfifo(path),
}


def precious(staged: str, data: bytes) -> str:
    """Create a file outside of the destination."""
    path = os.path.join(os.path.dirname(staged), "../../precious")
    write(path, data)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_the_reported_output_is_refused(tmp_path: Path, make: Make, lie: str) -> None:
    make(widths=8)
    summary, (outcome,) = make(LIES[lie])
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, summary.exit_code) == (Reason.PROTOCOL_VIOLATION, 1)
    assert left(tmp_path) == ["a.jpg"]
    assert width(tmp_path / "out/a.jpg") == 8
    if "link" in lie:
        assert (tmp_path / "precious").stat().st_nlink == 1


@pytest.mark.skipif("landlock" in missing_layers(), reason="the kernel has no Landlock")
def test_a_worker_that_was_taken_over_writes_nothing_but_staged_files(tmp_path: Path, make: Make) -> None:
    make(name="sub/{stem}{ext}", widths=8)
    out = tmp_path / "out"
    other = (out / "sub/a.jpg").read_bytes()
    ledger = (out / ".forkresize/ledger.db").read_bytes()

    def attack(path: str, data: bytes) -> None:
        write(path, data)
        attempts: list[Callable[[], object]] = [
            lambda: write(str(out / ".forkresize/ledger.db-journal"), data),
            lambda: write(str(out / ".forkresize/ledger.db"), data),
            lambda: write(str(out / "new.jpg"), data),
            lambda: write(str(out / "sub/new.jpg"), data),
            lambda: write(str(out / "sub/a.jpg"), data),
            lambda: os.truncate(out / "sub/a.jpg", 0),
            lambda: os.unlink(out / "sub/a.jpg"),
            lambda: os.rename(path, out / "sub/a.jpg"),
            lambda: os.link(path, out / "linked.jpg"),
            lambda: os.link(out / "sub/a.jpg", f"{path}x"),
            lambda: os.symlink(out / "sub/a.jpg", f"{path}x"),
            lambda: os.mkfifo(f"{path}x"),
            lambda: os.rename(path, f"{path}x"),
            lambda: os.unlink(path),
            lambda: os.mkdir(f"{path}x"),
            lambda: os.utime(path, (1, 1)),
            lambda: os.chmod(path, 0o4700),
            lambda: os.mkdir(out / "directory"),
            lambda: os.rmdir(out / "sub"),
            lambda: os.listdir(os.path.dirname(path)),
        ]
        allowed = [number for number, attempt in enumerate(attempts) if not is_denied(attempt)]
        raise OSError(errno.EIO, f"allowed: {allowed}")

    _, (outcome,) = make(attack, sandbox=SandboxMode.AUTO)
    assert outcome.error == f"{out}/a.jpg: allowed: []"
    assert left(tmp_path) == ["sub", "sub/a.jpg"]
    assert (out / "sub/a.jpg").read_bytes() == other
    assert (out / ".forkresize/ledger.db").read_bytes()[:16] == ledger[:16]


def is_denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError as error:
        return error.errno in {errno.EACCES, errno.EPERM, errno.EXDEV}
    return False


def test_a_worker_that_is_lost_leaves_nothing(tmp_path: Path, make: Make) -> None:
    def die(path: str, data: bytes) -> None:
        write(path, data)
        os.kill(os.getpid(), signal.SIGKILL)

    summary, (outcome,) = make(die, retries=1)
    assert isinstance(outcome.detail, Failed)
    assert (outcome.reason, outcome.execution.attempts, summary.exit_code) == (Reason.CRASHED, 2, 1)
    assert left(tmp_path) == []


@pytest.mark.parametrize("sandbox", [SandboxMode.OFF, SandboxMode.AUTO])
def test_a_retry_replaces_what_the_lost_worker_began(tmp_path: Path, make: Make, sandbox: SandboxMode) -> None:
    def die_once(path: str, data: bytes) -> None:
        if not os.path.exists(path):
            write(path, b"longer than the whole output" * len(data))
            os.kill(os.getpid(), signal.SIGKILL)
        real(LocalStore(""), path, data)

    real = LocalStore.stage
    summary, (outcome,) = make(die_once, retries=1, sandbox=sandbox)
    assert isinstance(outcome.detail, Written)
    assert (outcome.execution.attempts, summary.exit_code) == (2, 0)
    assert left(tmp_path) == ["a.jpg"]
    assert width(tmp_path / "out/a.jpg") == 16


def test_of_several_outputs_those_that_were_made_count(tmp_path: Path, make: Make) -> None:
    def fill_up(path: str, data: bytes) -> None:
        write(path, data)
        if len(os.listdir(os.path.dirname(path))) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    _, outcomes = make(fill_up, widths=[16, 8, 24])
    assert sorted(outcome.status for outcome in outcomes) == ["failed", "written", "written"]
    names = {os.path.basename(str(outcome.destination)) for outcome in outcomes if outcome.status == "written"}
    assert left(tmp_path) == sorted(names)


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
