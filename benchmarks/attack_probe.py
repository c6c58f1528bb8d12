"""What a probe of the sandbox is, and what it can reach: its pictures, directories, processes and system calls."""

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from forkresize.job import Job
from forkresize.pool.client import WorkerClient
from forkresize.store import LocalStore

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

_COLUMN = 1 if platform.machine() == "aarch64" else 0

NUMBERS = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "fchmodat2": (452, 452),
    "finit_module": (313, 273),
    "fsopen": (430, 430),
    "init_module": (175, 105),
    "inotify_init1": (294, 26),
    "io_uring_setup": (425, 425),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "quotactl": (179, 60),
    "renameat2": (316, 276),
    "request_key": (249, 218),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "sched_setattr": (314, 274),
    "settimeofday": (164, 170),
    "setxattrat": (463, 463),
    "tgkill": (234, 131),
    "timer_create": (222, 107),
    "tkill": (200, 130),
    "userfaultfd": (323, 282),
}
"""System calls that the C library may not offer, on x86_64 and on aarch64."""


def call(name: str, *arguments: Any) -> int:
    """Make a system call, by its number or by a function of the C library.

    Raises:
        OSError: it failed.
    """
    if name in NUMBERS:
        wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
        result = LIBC.syscall(ctypes.c_long(NUMBERS[name][_COLUMN]), *wide)
    else:
        result = getattr(LIBC, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return int(result)


def read(path: str) -> bytes:
    """Return the start of a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, 64)
    finally:
        os.close(descriptor)


def write(path: str, flags: int = os.O_CREAT) -> int:
    """Write to a file; return the number of bytes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | flags, 0o600)
    try:
        return os.write(descriptor, b"written by a worker that was taken over")
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Target:
    """What a probe in a worker can name: the directories of the run, its processes, and the worker's own job.

    Attributes:
        root: the directory with all of the following.
        victim: id of a process of the same user.
        parent: id of the command's process.
        job: the job of the worker.
        staged: where the worker is to write its output.
    """

    root: str
    victim: int
    parent: int
    job: Job
    staged: str

    @property
    def destination(self) -> str:
        """The destination of the run."""
        return f"{self.root}/out"

    @property
    def state(self) -> str:
        """The directory of the ledger."""
        return f"{self.root}/out/.forkresize"

    @property
    def staging(self) -> str:
        """The directory in which the worker may create files."""
        return os.path.dirname(self.staged)

    @property
    def source(self) -> str:
        """The worker's own source."""
        return f"{self.root}/in/{self.job.source.relative}"

    @property
    def other(self) -> str:
        """The source of another picture."""
        return f"{self.root}/in/calm-0.jpg"

    @property
    def output(self) -> str:
        """The output of another picture, from an earlier run."""
        return f"{self.root}/out/calm-0.jpg"

    @property
    def secret(self) -> str:
        """A file outside of everything that the run was given."""
        return f"{self.root}/outside/secret"

    @property
    def client(self) -> Any:
        """The worker's side of its channel."""
        return WorkerClient.current

    @property
    def number(self) -> int:
        """The number of the worker's task."""
        return int(self.client._channel.current.read()[0])  # noqa: SLF001  Code in the worker can reach everything.


def find_target(root: str, victim: int, parent: int) -> Target:
    """Return the target of the job that a caller of this function works on.

    Raises:
        LookupError: no caller has a job and a store.
    """
    job, store, frame = None, None, sys._getframe()  # noqa: SLF001  As code in the worker would do it.
    while frame.f_back is not None and (job is None or store is None):
        frame = frame.f_back
        values = list(frame.f_locals.values())
        job = job or next((each for each in values if isinstance(each, Job)), None)
        store = store or next((each for each in values if isinstance(each, LocalStore) and each.root), None)
    if job is None or store is None:
        raise LookupError("no caller works on a job")
    return Target(root, victim, parent, job, store.location(job.outputs[0].staged))


@dataclass(frozen=True)
class Probe:
    """One attempt of code in a worker to get at something.

    Attributes:
        name: what it tries.
        attempt: does it; raises an OSError if the kernel refuses.
        refusal: the error numbers that refuse it, by name; also "ended" if the worker may end, and "none" if the
            attempt may succeed but must have no effect.
        since: the first version of Landlock that refuses it; 0 if it must be refused without Landlock too.
        own: the fate of the worker's own picture: "right" (as without the attempt), "failed" or "any".
        memory: the budget of all workers in bytes, if the probe is about it.
    """

    name: str
    attempt: Callable[[Target], object]
    refusal: str = "EPERM ENOSYS EACCES"
    since: int = 0
    own: str = "right"
    memory: int = 0


def perform(probe: Probe, target: Target) -> str:
    """Return the name of the error that an attempt meets, or what it reached."""
    try:
        reached = probe.attempt(target)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except (MemoryError, OverflowError, ValueError) as error:
        return type(error).__name__
    return f"reached {reached!r}"[:200]
