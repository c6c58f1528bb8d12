"""Attempts of code that has taken over a worker to affect other processes, where Landlock does not stop signals."""

import ctypes
import errno
import faulthandler
import fcntl
import mmap
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from forkresize.pool import Completed, TaskResult, WorkerLost
from forkresize.pool.sandbox import landlock

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

pytestmark = pytest.mark.slow

Inside = Callable[..., TaskResult[int, Any]]

needs_seccomp = pytest.mark.usefixtures("needs_seccomp")
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "sched_setattr": (314, 274), "kcmp": (312, 272), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "ioprio_set": (251, 30), "ptrace": (101, 117),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "pidfd_getfd": (438, 438),
    "timer_create": (222, 107),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "get_robust_list": (274, 100), "setpgid": (109, 154),
    "process_vm_writev": (311, 271), "prctl": (157, 167), "prlimit64": (302, 261), "mq_notify": (244, 184),
    "shmat": (30, 196), "semget": (64, 190), "waitid": (247, 95), "sched_rr_get_interval": (148, 127),
    "sched_setscheduler": (144, 119), "set_mempolicy_home_node": (450, 450), "perf_event_open": (298, 241),
}  # fmt: skip
COLUMN = 0 if os.uname().machine == "x86_64" else 1


def call(name: str, *arguments: int | bytes | None) -> int:
    """Make a system call by its number."""
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(LIBC.syscall(ctypes.c_long(NUMBERS[name][COLUMN]), *wide))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def own_socket(command: int, value: int | bytes) -> object:
    """Call fcntl for a socket that the worker has."""
    return fcntl.fcntl(next(each for each in range(3, 256) if is_socket(each)), command, value)


def is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def on_socket(request: int, value: int) -> object:
    return fcntl.ioctl(next(each for each in range(3, 256) if is_socket(each)), request, struct.pack("i", value))


@pytest.fixture
def victim() -> Iterator[int]:
    """A process of the same user; it must be unchanged at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"], stdout=-1
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        before = state(process.pid)
        try:
            yield process.pid
            assert process.poll() is None
            assert state(process.pid) == before
        finally:
            process.kill()


def state(pid: int) -> list[object]:
    limits = [resource.prlimit(pid, which) for which in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)]
    return [*limits, os.sched_getaffinity(pid), os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid)]


@pytest.fixture(params=[0, 1, 5], ids="landlock:{}".format)
def _old_kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no more of Landlock than a kernel that does not stop signals."""
    monkeypatch.setattr(landlock, "abi_version", lambda: request.param)


ATTACKS: dict[str, Callable[[int], object]] = {
    "kill": lambda pid: os.kill(pid, signal.SIGKILL),
    "kill all": lambda _: os.kill(-1, 0),
    "tkill": lambda pid: call("tkill", pid, 9),
    "tgkill": lambda pid: call("tgkill", pid, pid, 9),
    "rt_sigqueueinfo": lambda pid: call("rt_sigqueueinfo", pid, 9, struct.pack("3i116x", 9, 0, -1)),
    "rt_tgsigqueueinfo": lambda pid: call("rt_tgsigqueueinfo", pid, pid, 9, struct.pack("3i116x", 9, 0, -1)),
    "pidfd_open": os.pidfd_open,
    "pidfd_send_signal": lambda _: signal.pidfd_send_signal(0, signal.SIGKILL),
    "pidfd_getfd": lambda _: call("pidfd_getfd", 0, 0, 0),
    "limit": lambda pid: call("prlimit64", pid, resource.RLIMIT_CPU, struct.pack("2Q", 0, 0), None),
    "read limit": lambda pid: call("prlimit64", pid, resource.RLIMIT_CPU, None, b"\0" * 16),
    "own limit": lambda _: call("prlimit64", 0, resource.RLIMIT_AS, struct.pack("2Q", 1 << 40, 1 << 40), None),
    "affinity": lambda pid: os.sched_setaffinity(pid, {0}),
    "own affinity": lambda _: os.sched_setaffinity(0, {0}),
    "read affinity": os.sched_getaffinity,
    "scheduler": lambda pid: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
    "scheduler parameters": lambda pid: os.sched_setparam(pid, os.sched_param(0)),
    "scheduler attributes": lambda pid: call("sched_setattr", pid, struct.pack("2I40x", 48, 5), 0),
    "priority": lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "priority of the group": lambda _: os.setpriority(os.PRIO_PGRP, 0, 19),
    "I/O priority": lambda pid: call("ioprio_set", 1, pid, 3 << 13),
    "group": lambda pid: call("setpgid", pid, pid),
    "owner of a socket": lambda pid: own_socket(fcntl.F_SETOWN, pid),
    "owner of a socket, extended": lambda pid: own_socket(15, struct.pack("2i", 1, pid)),
    "signal of a socket": lambda _: own_socket(fcntl.F_SETSIG, signal.SIGKILL),
    "signals of a socket": lambda _: own_socket(fcntl.F_SETFL, os.O_ASYNC),
    "lease": lambda _: fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK),
    "notification": lambda _: fcntl.fcntl(
        os.open(os.path.dirname(os.__file__), os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS
    ),
    "file lock": lambda _: fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX),
    "timer": lambda pid: call("timer_create", 1, struct.pack("2q2i40x", 0, 9, 4, pid), b"\0" * 8),
    "memory advice": lambda _: call("process_madvise", 0, None, 0, 21, 0),
    "memory release": lambda _: call("process_mrelease", 0, 0),
    "memory pages": lambda pid: call("move_pages", pid, 0, None, None, None, 0),
    "memory nodes": lambda pid: call("migrate_pages", pid, 1, b"\1" + b"\0" * 7, b"\1" + b"\0" * 7),
    "memory": lambda pid: call("process_vm_writev", pid, None, 0, None, 0, 0),
    "shared memory": lambda _: call("shmat", 0, None, 0),
    "semaphores": lambda _: call("semget", 0, 1, 0o1600),
    "message queue": lambda _: call("mq_notify", 0, None),
    "comparison": lambda pid: call("kcmp", pid, pid, 0, 0, 0),
    "trace": lambda pid: call("ptrace", 16, pid, 0, 0),
    "locks": lambda pid: call("get_robust_list", pid, b"\0" * 8, b"\0" * 8),
    "performance counters": lambda pid: call("perf_event_open", b"\0" * 128, pid, -1, -1, 0),
    "time slice": lambda pid: call("sched_rr_get_interval", pid, b"\0" * 16),
    "wait": lambda pid: call("waitid", 1, pid, None, 4, None),
    "outliving the parent": lambda _: call("prctl", 1, 0, 0, 0, 0),
    "permission to trace": lambda _: call("prctl", 0x59616D61, -1, 0, 0, 0),
    "another filter": lambda _: call("prctl", 22, 2, 0, 0, 0),
    "memfd": lambda _: os.memfd_create("x"),
    "writable code": lambda _: mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7),
    "shared anonymous memory": lambda _: mmap.mmap(-1, 4096),
    "socket to anyone": lambda _: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
}


@needs_seccomp
@pytest.mark.usefixtures("_old_kernel")
def test_other_processes_cannot_be_affected_without_landlocks_scopes(inside: Inside, victim: int) -> None:
    def attack() -> dict[str, str]:
        return {name: error_of(lambda reach=reach: reach(victim)) for name, reach in ATTACKS.items()}  # type: ignore[misc]

    result = inside(attack)
    assert isinstance(result, Completed), result
    assert result.result == dict.fromkeys(ATTACKS, "EPERM")


@needs_seccomp
@pytest.mark.usefixtures("_old_kernel")
@pytest.mark.parametrize(
    "request_number", [0x8901, 0x8902, 0x5412, 0x5410], ids=["FIOSETOWN", "SIOCSPGRP", "TIOCSTI", "TIOCSPGRP"]
)
def test_ioctl_always_fails_as_for_a_file(request_number: int, inside: Inside, victim: int) -> None:
    result = inside(lambda: error_of(lambda: on_socket(request_number, victim)))
    assert isinstance(result, Completed), result
    assert result.result == "ENOTTY"


def error_of(reach: Callable[[], object]) -> str:
    """Return the name of the error that an attack fails with."""
    try:
        return f"reached {reach()!r}"
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@needs_seccomp
@pytest.mark.usefixtures("_old_kernel")
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_ACCMODE])
def test_source_cannot_be_emptied_by_opening_it(flags: int, inside: Inside, trees: Any) -> None:
    result = inside(lambda: error_of(lambda: os.open(trees.source, flags | os.O_TRUNC)))
    assert isinstance(result, Completed), result
    assert result.result == "EPERM"
    assert trees.source.read_bytes() == b"a picture"


@needs_seccomp
@pytest.mark.parametrize(
    ("crash", "expected"),
    [
        (os.abort, "SIGABRT"),
        (lambda: in_thread(os.abort), "SIGABRT"),
        (lambda: signal.raise_signal(signal.SIGBUS), "SIGBUS"),
        (lambda: ctypes.string_at(0), "SIGSEGV"),
        (lambda: in_thread(lambda: ctypes.string_at(0)), "SIGSEGV"),
    ],
    ids=["abort", "abort in a thread", "raise", "crash", "crash in a thread"],
)
@pytest.mark.parametrize("traced", [False, True])
def test_crash_of_a_worker_is_reported_with_its_signal(
    crash: Callable[[], object], expected: str, traced: bool, inside: Inside
) -> None:
    def fail() -> None:
        if traced:
            faulthandler.enable(2)
        else:
            faulthandler.disable()
        crash()

    result = inside(fail)
    assert isinstance(result, WorkerLost)
    assert result.signal == expected
    assert ("Extension modules:" in result.stderr) == traced


def in_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()
