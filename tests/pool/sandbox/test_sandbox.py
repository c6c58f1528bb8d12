"""What a sandboxed worker can still do, and what happens where the system lacks a layer."""

import errno
import fcntl
import inspect
import os
import signal
import threading
from collections.abc import Callable
from io import FileIO
from typing import Any

import pytest
from msgspec import structs

from forkresize.errors import BrokenPoolError, SandboxError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.pool import Completed, Pool, PoolOptions, Raised, SandboxMode, SandboxPolicy, TaskResult
from forkresize.pool.libc import Libc
from forkresize.pool.protocol import MAX_REQUESTS, MessageType, WorkerMessage, encode_message
from forkresize.pool.sandbox import landlock, missing_layers, require_support, seccomp
from forkresize.store import LocalStore
from forkresize.store.files import open_source

Inside = Callable[..., TaskResult[int, Any]]


def result_of(result: TaskResult[int, Any]) -> Any:
    assert isinstance(result, Completed), result
    return result.result


def open_file(_item: object, path: str) -> FileIO:
    return FileIO(path)


def test_sandboxed_worker_can_read_sources_and_write_the_destination(inside: Inside, trees: Any) -> None:
    store, output = LocalStore(str(trees.destination)), trees.destination / "a.jpg"

    def copy() -> bytes:
        with open_source(str(trees.source)) as file:
            data = file.read()
        for _ in range(2):
            store.stage("a.jpg", data)
        return data

    assert result_of(inside(copy)) == output.read_bytes() == b"a picture"


@pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities to lose")
def test_roots_worker_reads_files_of_other_users_and_writes_none(inside: Inside, trees: Any) -> None:
    foreign = trees.destination / "foreign"
    foreign.write_bytes(b"")
    for path in (trees.source, foreign):
        path.chmod(0o600)
        os.chown(path, 65534, 65534)

    def access() -> tuple[bytes, int | None]:
        content = trees.source.read_bytes()
        try:
            foreign.write_bytes(b"changed")
        except OSError as error:
            return content, error.errno
        return content, None

    assert result_of(inside(access)) == (b"a picture", errno.EACCES)


def test_sandboxed_worker_can_import_start_threads_and_open_devnull(inside: Inside) -> None:
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


def test_signal_of_a_sandboxed_worker_is_reported(inside: Inside) -> None:
    result = inside(lambda: os.kill(os.getpid(), signal.SIGSEGV))
    assert getattr(result, "signal", None) == "SIGSEGV"


@pytest.mark.usefixtures("needs_landlock")
def test_parent_opens_a_denied_file_at_each_request(inside: Inside, trees: Any) -> None:
    def read() -> list[bytes]:
        with open_source(str(trees.secret)) as one, open_source(str(trees.secret)) as other:
            return [one.read(3), other.read()]

    policy = structs.replace(trees.policy, open_file=open_file)
    assert result_of(inside(read, policy)) == [b"a s", b"a secret"]
    result = inside(read)
    assert isinstance(result, Raised)
    assert "PermissionError: [Errno 13]" in result.error


@pytest.mark.usefixtures("needs_landlock")
def test_error_of_the_parents_open_reaches_the_worker(inside: Inside, trees: Any) -> None:
    def refuse(_item: object, path: str) -> FileIO:
        raise OSError(errno.EIO, "no", path)

    def read() -> object:
        try:
            open_source(str(trees.secret))
        except OSError as error:
            return error.errno, error.filename
        return None

    policy = structs.replace(trees.policy, open_file=refuse)
    assert result_of(inside(read, policy)) == (errno.EIO, str(trees.secret))


@pytest.mark.usefixtures("needs_landlock")
def test_tools_can_use_a_directory_named_by_the_environment(
    inside: Inside, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORKRESIZE_SANDBOX_WRITE", f"{trees.outside}:{os.environ.get('FORKRESIZE_SANDBOX_WRITE', '')}")

    def use() -> object:
        (trees.outside / "folder").mkdir()
        new = trees.outside / "folder/new"
        with new.open("w+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            file.write(b"x")
        new.rename(trees.outside / "folder/data")
        trees.secret.unlink()
        return (trees.outside / "folder/data").read_bytes()

    assert result_of(inside(use)) == b"x"


def test_worker_without_sandbox_is_not_restricted(trees: Any) -> None:
    with Pool[int, Any](lambda _: trees.secret, options=PoolOptions(workers=1)) as pool:
        [result] = pool.imap_unordered([1])
        assert result_of(result) == trees.secret
        assert pool.sandbox == pool.sandbox_missing == ()


def test_mode_off_applies_no_layer(trees: Any) -> None:
    policy = structs.replace(trees.policy, mode=SandboxMode.OFF)
    with Pool[int, Any](lambda _: trees.secret.read_bytes(), options=PoolOptions(workers=1, sandbox=policy)) as pool:
        [result] = pool.imap_unordered([1])
        assert result_of(result) == b"a secret"
        assert pool.sandbox == pool.sandbox_missing == ()


def test_active_and_missing_layers_are_reported() -> None:
    with Pool(str, options=PoolOptions(workers=1, sandbox=SandboxPolicy())) as pool:
        active = {name.partition(":")[0] for name in pool.sandbox}
        assert active | set(pool.sandbox_missing) == {"landlock", "seccomp", "no_new_privs", "limits"}
        assert pool.sandbox_missing == missing_layers()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without Landlock and seccomp."""
    monkeypatch.setattr(landlock, "abi_version", lambda: 0)
    monkeypatch.setattr(seccomp, "is_supported", lambda _: False)


@pytest.mark.usefixtures("bare")
def test_auto_uses_the_supported_layers(trees: Any) -> None:
    with Pool[int, Any](
        lambda _: trees.secret.read_bytes(), options=PoolOptions(workers=1, sandbox=trees.policy)
    ) as pool:
        [result] = pool.imap_unordered([1])
        assert result_of(result) == b"a secret"
        assert pool.sandbox_missing[:2] == ("landlock", "seccomp")
        assert "limits" in pool.sandbox


@pytest.mark.usefixtures("bare")
def test_mode_on_requires_all_layers_and_names_missing_ones(trees: Any) -> None:
    with pytest.raises(SandboxError, match="landlock and seccomp") as caught:
        require_support(SandboxMode.ON)
    assert exit_code_for_error(caught.value) is ExitCode.FATAL
    policy = structs.replace(trees.policy, mode=SandboxMode.ON)
    pool = Pool(str, options=PoolOptions(sandbox=policy))
    with pytest.raises(SandboxError, match="landlock"):
        pool.__enter__()
    require_support(SandboxMode.AUTO)


@pytest.mark.parametrize(("place", "name"), [(landlock.Ruleset, "landlock:"), (seccomp.Filter, "seccomp")])
def test_no_task_starts_if_a_layer_cannot_be_applied(
    place: type, name: str, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError(errno.E2BIG, "too many")

    if name.strip(":") in missing_layers():
        pytest.skip(f"this kernel lacks {name}")
    monkeypatch.setattr(place, "enforce", fail)
    options = PoolOptions(workers=1, sandbox=trees.policy)
    raises = pytest.raises(BrokenPoolError, match=f"cannot apply the sandbox layer {name}")
    with Pool[int, Any](lambda _: trees.source.unlink(), options=options) as pool, raises:
        list(pool.imap_unordered([1]))
    assert trees.source.exists()


@pytest.mark.parametrize("opens", [True, False])
def test_unsolicited_file_requests_block_nothing(opens: bool, inside: Inside, trees: Any) -> None:
    def ask() -> str:
        frame = inspect.currentframe()
        assert frame is not None
        while "channel" not in frame.f_locals and frame.f_back:
            frame = frame.f_back
        channel = frame.f_locals["channel"]
        for _ in range(MAX_REQUESTS):
            channel.worker_end.sendall(
                encode_message(WorkerMessage(MessageType.OPEN_FILE, 1, 0.0, b"", os.fsencode(trees.secret)))
            )
        return "asked"

    policy = structs.replace(trees.policy, open_file=open_file if opens else None)
    assert result_of(inside(ask, policy)) == "asked"


def test_failed_system_call_raises_oserror() -> None:
    with pytest.raises(OSError, match="not implemented"):
        Libc().syscall(9999)
