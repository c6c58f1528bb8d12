"""Attempts to escape by code that has taken over a worker."""

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from forkresize.pool import Completed, Pool, PoolOptions, TaskResult
from forkresize.pool.sandbox import landlock, seccomp

pytestmark = pytest.mark.slow

Inside = Callable[..., TaskResult[int, Any]]

needs_landlock = pytest.mark.usefixtures("needs_landlock")
needs_seccomp = pytest.mark.usefixtures("needs_seccomp")
PARENT = os.getpid()
LIBC = ctypes.CDLL(None, use_errno=True)


def errno_of(action: Callable[[], object]) -> str:
    """Return the name of the error that an action fails with, or what it reached."""
    try:
        reached = action()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return f"reached {reached!r}"


def raw(name: str, *arguments: Any) -> int:
    """Call the C library directly."""
    result = int(getattr(LIBC, name)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def denied(inside: Inside, action: Callable[[], object]) -> str:
    result = inside(lambda: errno_of(action))
    assert isinstance(result, Completed), result
    return str(result.result)


@needs_landlock
@pytest.mark.parametrize(
    "reach",
    [
        lambda trees: trees.secret.read_bytes(),
        lambda trees: os.listdir(trees.outside),
        lambda trees: os.listdir(trees.sources),
        lambda trees: (trees.outside / "new").write_bytes(b"x"),
        lambda trees: trees.secret.write_bytes(b"x"),
        lambda trees: (trees.sources / "new").write_bytes(b"x"),
        lambda trees: trees.source.write_bytes(b"x"),
        lambda trees: (trees.destination / ".." / "outside" / "secret").read_bytes(),
        lambda trees: os.open(trees.outside, os.O_RDONLY),
        lambda _: Path("/etc/shadow").read_bytes(),
        lambda _: os.listdir("/etc"),
        lambda _: os.listdir(os.path.expanduser("~")),
        lambda _: Path(f"/proc/{PARENT}/environ").read_bytes(),
        lambda _: os.open(f"/proc/{PARENT}/mem", os.O_RDONLY),
        lambda _: os.open("/proc/self/mem", os.O_RDWR),
        lambda _: os.listdir("/dev/fd"),
        lambda _: Path("/dev/shm/escaped").write_bytes(b"x"),  # noqa: S108  It must fail.
        lambda _: Path("/tmp/escaped").write_bytes(b"x"),  # noqa: S108
        lambda _: Path("/proc/self/oom_score_adj").write_text("0"),
        lambda _: os.open("/dev/tty", os.O_WRONLY),
    ],
)
def test_files_outside_of_sources_and_destination_are_denied(
    reach: Callable[[Any], object], inside: Inside, trees: Any
) -> None:
    assert denied(inside, lambda: reach(trees)) == "EACCES"


@needs_landlock
def test_symbolic_link_out_of_the_destination_is_not_followed(inside: Inside, trees: Any) -> None:
    (trees.destination / "way-out").symlink_to(trees.outside)
    assert denied(inside, (trees.destination / "way-out/secret").read_bytes) == "EACCES"
    assert denied(inside, lambda: (trees.destination / "way-out/new").write_bytes(b"x")) == "EACCES"


CHANGES: list[Callable[[Any, Path], object]] = [
    lambda _, folder: (folder / "new").mkdir(),
    lambda _, folder: (folder / "a.jpg").unlink(),
    lambda _, folder: (folder / "folder").rmdir(),
    lambda _, folder: (folder / "a.jpg").rename(folder / "b.jpg"),
    lambda trees, folder: trees.secret.rename(folder / "mine"),
    lambda trees, folder: os.link(trees.secret, folder / "mine"),
    lambda trees, folder: os.symlink(trees.secret, folder / "link"),
    lambda _, folder: os.mkfifo(folder / "fifo"),
]
"""What a worker may not do in any directory, not even in one that it may write."""


@pytest.mark.usefixtures("needs_landlock", "needs_seccomp")
@pytest.mark.parametrize("alone", ["landlock", "seccomp", None])
@pytest.mark.parametrize("folder", ["sources", "destination", "outside"])
def test_names_cannot_be_changed(
    alone: str | None, folder: str, inside: Inside, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if alone == "landlock":
        monkeypatch.setattr(seccomp, "is_supported", lambda _: False)
    if alone == "seccomp":
        monkeypatch.setattr(landlock, "abi_version", lambda: 0)
        monkeypatch.delenv("FORKRESIZE_SANDBOX_WRITE", raising=False)
    place = getattr(trees, folder)
    (place / "a.jpg").write_bytes(b"a picture")
    (place / "folder").mkdir()
    before = sorted(place.iterdir())
    result = inside(lambda: [errno_of(lambda change=change: change(trees, place)) for change in CHANGES])  # type: ignore[misc]
    assert isinstance(result, Completed), result
    # EXDEV: Landlock may only refuse that a file moves to another directory.
    assert set(result.result) <= {"EPERM", "EACCES", *(["EXDEV"] if alone != "seccomp" else [])}
    assert sorted(place.iterdir()) == before


@needs_landlock
def test_files_in_the_destination_can_be_created_and_written_but_not_read(inside: Inside, trees: Any) -> None:
    new = trees.destination / "new"
    result = inside(lambda: [new.write_bytes(b"x"), new.write_bytes(b"y"), errno_of(new.read_bytes)])
    assert isinstance(result, Completed), result
    assert result.result == [1, 1, "EACCES"]
    assert denied(inside, lambda: os.listdir(trees.destination)) == "EACCES"
    assert new.read_bytes() == b"y"


@needs_landlock
def test_files_in_the_destination_cannot_be_executed(
    inside: Inside, trees: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "is_supported", lambda _: False)
    program = trees.destination / "program"
    program.write_bytes(Path("/bin/true").read_bytes())
    program.chmod(0o755)
    for path in (program, Path("/bin/true")):
        assert denied(inside, lambda path=path: os.execv(path, ["true"])) == "EACCES"  # type: ignore[misc]  # noqa: S606


@needs_seccomp
@pytest.mark.parametrize(
    "reach",
    [
        lambda trees: os.truncate(trees.secret, 0),
        lambda trees: os.chmod(trees.secret, 0o600),
        lambda trees: os.chown(trees.secret, os.getuid(), -1),
        lambda trees: os.setxattr(trees.secret, "user.mine", b"x"),
        lambda trees: os.link(trees.source, trees.sources / "link"),
        lambda trees: os.utime(trees.secret),
        lambda trees: os.utime(trees.destination),
        lambda _: socket.socket(),
        lambda _: socket.socket(socket.AF_UNIX),
        lambda _: socket.socketpair(),
        lambda _: raw("connect", 0, b"\0" * 16, 16),
        lambda _: os.execv("/bin/true", ["true"]),  # noqa: S606  It must fail.
        lambda _: raw("execve", b"/bin/true", None, None),
        lambda _: os.fork(),
        lambda _: raw("fork"),
        lambda _: raw("ptrace", 16, PARENT, 0, 0),
        lambda _: raw("process_vm_readv", PARENT, 0, 0, 0, 0, 0),
        lambda _: os.kill(PARENT, 0),
        lambda _: os.kill(PARENT, signal.SIGKILL),
        lambda _: os.kill(0, signal.SIGTERM),
        lambda _: os.kill(-1, signal.SIGTERM),
        lambda _: signal.pidfd_send_signal(os.pidfd_open(PARENT), signal.SIGKILL),
        lambda _: raw("mount", b"none", b"/mnt", b"tmpfs", 0, None),
        lambda _: raw("unshare", 0x10000000),
        lambda _: os.chroot("/"),
        lambda _: os.setuid(os.getuid()),
        lambda _: os.setsid(),
        lambda _: os.setpriority(os.PRIO_PROCESS, PARENT, 19),
        lambda _: raw("syscall", 321 if os.uname().machine == "x86_64" else 280, 0, None, 0),  # bpf
        lambda _: raw("syscall", 298 if os.uname().machine == "x86_64" else 241, None, 0, -1, -1, 0),  # perf_event_open
        lambda _: raw("syscall", 323 if os.uname().machine == "x86_64" else 282, 0),  # userfaultfd
        lambda _: raw("syscall", 250 if os.uname().machine == "x86_64" else 219, 0, 0, 0),  # keyctl
    ],
)
def test_denied_system_calls_fail_with_eperm(reach: Callable[[Any], object], inside: Inside, trees: Any) -> None:
    assert denied(inside, lambda: reach(trees)) == "EPERM"


@needs_seccomp
@pytest.mark.parametrize("number", [425, 426, 427, 435, 463, 467, 9999, 0x40000000 | 41])
def test_unknown_system_calls_fail_with_enosys(number: int, inside: Inside) -> None:
    # io_uring, clone3, setxattrat, open_tree_attr, what is to come, and x86's second way to open a socket.
    assert denied(inside, lambda: raw("syscall", ctypes.c_long(number), 0, 0, 0, 0)) == "ENOSYS"


def test_inherited_descriptors_are_closed(inside: Inside, trees: Any) -> None:
    with trees.secret.open("rb") as file, socket.socket() as door:
        for descriptor in (file.fileno(), door.fileno()):
            assert denied(inside, lambda descriptor=descriptor: os.fstat(descriptor)) == "EBADF"  # type: ignore[misc]


def test_resource_limits_apply_and_cannot_be_raised(inside: Inside) -> None:
    def look() -> object:
        with pytest.raises((ValueError, OSError)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
        return resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 256

    result = inside(look)
    assert isinstance(result, Completed), result
    assert result.result == ((0, 0), True)


def test_address_space_limit_is_enforced(inside: Inside, trees: Any) -> None:
    policy = structs.replace(trees.policy, memory=4 << 30)
    result = inside(
        lambda: errno_of(lambda: mmap.mmap(-1, 5 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)), policy
    )
    assert isinstance(result, Completed), result
    assert result.result == "ENOMEM"


@pytest.mark.skipif(not os.path.exists("/proc/self/oom_score_adj"), reason="needs /proc")
def test_worker_has_a_higher_oom_score_than_its_parent(trees: Any) -> None:
    with Pool[int, int](lambda _: os.getpid(), options=PoolOptions(workers=1, sandbox=trees.policy)) as pool:
        [result] = pool.imap_unordered([1])
        assert int(Path(f"/proc/{result.worker}/oom_score_adj").read_text()) >= 500
