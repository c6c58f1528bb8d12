"""What workers report and write is not trusted: lies, attacks, and workers that are lost."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize import Failed, Written
from forkresize.outcome import Reason
from forkresize.pool import SandboxMode
from forkresize.pool.sandbox import missing_layers
from forkresize.store import LocalStore
from tests.batch.placed import Make, Stage, left, width, write

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
