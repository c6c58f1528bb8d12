"""What a confined worker can still do, and what is told where the system lacks something."""

import errno
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from forkresize.errors import BrokenPoolError, ExitCode, SandboxError
from forkresize.pool import Completed, Pool, PoolOptions, Raised, SandboxMode, SandboxPolicy, TaskResult
from forkresize.pool.libc import Libc
from forkresize.pool.protocol import MessageType, WorkerMessage, encode_message
from forkresize.pool.sandbox import landlock, missing_layers, require_support, seccomp
from forkresize.pool.sandbox import sandbox as module
from forkresize.storage import open_source, write_atomic

Inside = Callable[..., TaskResult[int, Any]]


def result_of(answer: TaskResult[int, Any]) -> Any:
    assert isinstance(answer, Completed), answer
    return answer.result


def lend(_item: object, path: str) -> FileIO:
    return FileIO(path)


def test_sources_are_read_and_outputs_are_written_below_the_destination(inside: Inside, trees: Any) -> None:
    output = trees.destination / "deep/er/a.jpg"

    def copy() -> bytes:
        with open_source(str(trees.source)) as file:
            data = file.read()
        for _ in range(2):
            write_atomic(str(output), data, "tag")
        return data

    assert result_of(inside(copy)) == output.read_bytes() == b"a picture"


def test_modules_threads_time_zones_and_the_null_device_are_within_reach(inside: Inside) -> None:
    def use() -> list[object]:
        import wave
        import zoneinfo

        seen: list[object] = []
        thread = threading.Thread(target=seen.append, args=(wave.__name__,))
        thread.start()
        thread.join()
        seen.append(str(zoneinfo.ZoneInfo("UTC")))
        seen.append(len(os.urandom(4)))
        with open(os.devnull, "wb") as null:
            seen.append(null.write(b"x"))
        os.kill(os.getpid(), 0)
        return seen

    assert result_of(inside(use)) == ["wave", "UTC", 4, 1]


def test_a_worker_that_kills_itself_is_told_of_as_ever(inside: Inside) -> None:
    answer = inside(lambda: os.kill(os.getpid(), signal.SIGSEGV))
    assert getattr(answer, "signal", None) == "SIGSEGV"


@pytest.mark.usefixtures("needs_landlock")
def test_a_file_that_is_out_of_reach_is_lent_as_often_as_it_is_asked_for(inside: Inside, trees: Any) -> None:
    def read() -> list[bytes]:
        with open_source(str(trees.secret)) as one, open_source(str(trees.secret)) as other:
            return [one.read(3), other.read()]

    confinement = structs.replace(trees.confinement, open_file=lend)
    assert result_of(inside(read, confinement)) == [b"a s", b"a secret"]
    answer = inside(read)
    assert isinstance(answer, Raised)
    assert "PermissionError: [Errno 13]" in answer.error


@pytest.mark.usefixtures("needs_landlock")
def test_what_the_parent_can_not_open_either_is_told_with_the_same_error(inside: Inside, trees: Any) -> None:
    def refuse(_item: object, path: str) -> FileIO:
        raise OSError(errno.EIO, "no", path)

    def read() -> object:
        try:
            open_source(str(trees.secret))
        except OSError as error:
            return error.errno, error.filename
        return None

    confinement = structs.replace(trees.confinement, open_file=refuse)
    assert result_of(inside(read, confinement)) == (errno.EIO, str(trees.secret))


@pytest.mark.usefixtures("needs_landlock")
def test_a_directory_that_the_environment_names_can_be_written(
    inside: Inside, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORKRESIZE_SANDBOX_WRITE", f"{trees.outside}:{os.environ.get('FORKRESIZE_SANDBOX_WRITE', '')}")
    assert result_of(inside(lambda: (trees.outside / "new").write_bytes(b"x"))) == 1


def test_what_an_unconfined_worker_raises_and_returns_is_as_before(trees: Any) -> None:
    with Pool[int, Any](lambda _: trees.secret, options=PoolOptions(workers=1)) as pool:
        [answer] = pool.imap_unordered([1])
        assert result_of(answer) == trees.secret
        assert pool.sandbox == pool.sandbox_missing == ()


def test_off_is_none(trees: Any) -> None:
    confinement = structs.replace(trees.confinement, mode=SandboxMode.OFF)
    with Pool[int, Any](
        lambda _: trees.secret.read_bytes(), options=PoolOptions(workers=1, sandbox=confinement)
    ) as pool:
        [answer] = pool.imap_unordered([1])
        assert result_of(answer) == b"a secret"
        assert pool.sandbox == pool.sandbox_missing == ()


def test_what_is_in_force_is_told() -> None:
    with Pool(str, options=PoolOptions(workers=1, sandbox=SandboxPolicy())) as pool:
        told = {name.partition(":")[0] for name in pool.sandbox}
        assert told | set(pool.sandbox_missing) == {"landlock", "seccomp", "no_new_privs", "limits"}
        assert pool.sandbox_missing == missing_layers()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without Landlock and seccomp."""
    monkeypatch.setattr(module, "landlock_abi", lambda: 0)
    monkeypatch.setattr(seccomp, "is_offered", lambda _: False)


@pytest.mark.usefixtures("bare")
def test_auto_takes_what_there_is(trees: Any) -> None:
    with Pool[int, Any](
        lambda _: trees.secret.read_bytes(), options=PoolOptions(workers=1, sandbox=trees.confinement)
    ) as pool:
        [answer] = pool.imap_unordered([1])
        assert result_of(answer) == b"a secret"
        assert pool.sandbox_missing[:2] == ("landlock", "seccomp")
        assert "limits" in pool.sandbox


@pytest.mark.usefixtures("bare")
def test_on_refuses_before_anything_is_forked_and_names_what_is_missing(trees: Any) -> None:
    with pytest.raises(SandboxError, match="landlock and seccomp") as caught:
        require_support(SandboxMode.ON)
    assert caught.value.exit_code is ExitCode.FATAL
    confinement = structs.replace(trees.confinement, mode=SandboxMode.ON)
    pool = Pool(str, options=PoolOptions(sandbox=confinement))
    with pytest.raises(SandboxError, match="landlock"):
        pool.__enter__()
    require_support(SandboxMode.AUTO)


@pytest.mark.parametrize(("place", "name"), [(landlock.Ruleset, "landlock:"), (seccomp.Filter, "seccomp")])
def test_no_job_is_started_in_a_worker_that_could_not_be_confined(
    place: type, name: str, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError(errno.E2BIG, "too many")

    if name.strip(":") in missing_layers():
        pytest.skip(f"this kernel lacks {name}")
    monkeypatch.setattr(place, "enforce", fail)
    options = PoolOptions(workers=1, sandbox=trees.confinement)
    told = pytest.raises(BrokenPoolError, match=f"can't be entered: {name}")
    with Pool[int, Any](lambda _: trees.source.unlink(), options=options) as pool, told:
        list(pool.imap_unordered([1]))
    assert trees.source.exists()


@pytest.mark.parametrize("lends", [True, False])
def test_a_worker_that_asks_out_of_turn_gets_nothing_and_holds_nobody_up(
    lends: bool, inside: Inside, trees: Any
) -> None:
    def ask() -> str:
        frame = inspect.currentframe()
        assert frame is not None
        while "station" not in frame.f_locals and frame.f_back:
            frame = frame.f_back
        station = frame.f_locals["station"]
        for _ in range(2000):
            station.far.sendall(
                encode_message(WorkerMessage(MessageType.WANTS, 1, 0.0, b"", os.fsencode(trees.secret)))
            )
        return "asked"

    confinement = structs.replace(trees.confinement, open_file=lend if lends else None)
    assert result_of(inside(ask, confinement)) == "asked"


def test_the_working_and_the_home_directory_are_not_python_s(tmp_path: Path) -> None:
    script = "from forkresize.pool.sandbox.paths import interpreter_paths as p; print(*p(), sep='\\n')"
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home / "here", other):
        folder.mkdir(parents=True)
    env = {**os.environ, "HOME": str(home), "PYTHONPATH": f"{home}:{home}/here:{other}:{tmp_path}"}
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=home / "here",
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split("\n")
    assert str(other) in told
    assert not {str(home), str(home / "here"), str(tmp_path)} & set(told)
    assert os.path.dirname(os.__file__).startswith(tuple(filter(None, told)))


def test_a_failing_call_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="not implemented"):
        Libc().call(9999)
