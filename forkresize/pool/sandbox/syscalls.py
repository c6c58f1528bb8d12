"""The system calls that workers may make, by purpose, each with its numbers, its reason and its restrictions.

The numbers are those of ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h``; None
means that an architecture does not have the call. ``docs/explanation/sandbox.md`` describes how the calls were found.
"""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from forkresize.pool.sandbox import arguments
from forkresize.pool.sandbox.arguments import Conditions


class Call(Struct, frozen=True):
    """One system call."""

    x86_64: int | None
    aarch64: int | None
    reason: str
    conditions: Conditions = ()  # All must be met.


Group: TypeAlias = Mapping[str, Call]

FIRST_UNKNOWN = 463
"""System calls from this number on were added in Linux 6.13 or later, or belong to the x32 ABI of x86_64."""

MEMORY: Group = {
    "brk": Call(12, 214, "malloc"),
    "mmap": Call(
        9, 222, "malloc, libraries; never writable and executable, or shared and anonymous", arguments.MAPPING
    ),
    "munmap": Call(11, 215, "free"),
    "mremap": Call(25, 216, "realloc"),
    "mprotect": Call(10, 226, "malloc, stacks; never writable and executable", arguments.NOT_WRITABLE_CODE),
    "madvise": Call(28, 233, "free; stacks of ended threads"),
    "membarrier": Call(324, 283, "musl: threads, libraries loaded late"),
}

THREADS: Group = {
    "clone": Call(56, 220, "threads of codecs, no processes", arguments.THREAD),
    "futex": Call(202, 98, "locks"),
    "set_robust_list": Call(273, 99, "start of a thread"),
    "rseq": Call(334, 293, "start of a thread"),
    "set_tid_address": Call(218, 96, "musl: start of a thread"),
    "gettid": Call(186, 178, "locks, abort"),
    "sched_yield": Call(24, 124, "spinning locks"),
    "sched_getaffinity": Call(204, 123, "number of CPUs; only its own", arguments.SELF_OR_0),
    "getcpu": Call(309, 168, "malloc arenas; usually answered without the kernel"),
    "prctl": Call(157, 167, "name of a thread, nothing else", arguments.THREAD_NAME),
    "exit": Call(60, 93, "end of a thread"),
    "exit_group": Call(231, 94, "end of the worker"),
}

SIGNALS: Group = {
    "rt_sigaction": Call(13, 134, "abort, faulthandler"),
    "rt_sigprocmask": Call(14, 135, "start of a thread, abort"),
    "rt_sigreturn": Call(15, 139, "end of a signal handler"),
    "restart_syscall": Call(219, 128, "a wait that a stop interrupted"),
    "sigaltstack": Call(131, 132, "faulthandler"),
    "kill": Call(62, 129, "only to itself", arguments.SELF),
    "tgkill": Call(234, 131, "abort, faulthandler; only to itself", arguments.SELF),
    "tkill": Call(200, 130, "musl: abort; only to itself", arguments.SELF),
}

CLOCKS: Group = {
    "clock_gettime": Call(228, 113, "times; usually answered without the kernel"),
    "clock_getres": Call(229, 114, "times"),
    "gettimeofday": Call(96, 169, "times; usually answered without the kernel"),
    "time": Call(201, None, "times; usually answered without the kernel"),
    "nanosleep": Call(35, 101, "sleep"),
    "clock_nanosleep": Call(230, 115, "sleep"),
}

INFORMATION: Group = {
    "getpid": Call(39, 172, "blame; cannot fail in C"),
    "getppid": Call(110, 173, "cannot fail in C"),
    "getuid": Call(102, 174, "cannot fail in C"),
    "geteuid": Call(107, 175, "cannot fail in C"),
    "getgid": Call(104, 176, "cannot fail in C"),
    "getegid": Call(108, 177, "cannot fail in C"),
    "getrusage": Call(98, 165, "peak memory of the picture"),
    "prlimit64": Call(
        302, 261, "memory limit; its own, without a new one", (*arguments.SELF_OR_0, *arguments.query_only(2))
    ),
    "getrandom": Call(318, 278, "hash seeds, unique names"),
    "sysinfo": Call(99, 179, "memory of the machine, for qsort"),
    "uname": Call(63, 160, "platform"),
}

DESCRIPTORS: Group = {
    "read": Call(0, 63, "sources, tasks"),
    "readv": Call(19, 65, "musl: streams"),
    "pread64": Call(17, 67, "standard error, libraries"),
    "write": Call(1, 64, "outputs"),
    "writev": Call(20, 66, "C++ and musl: streams"),
    "pwrite64": Call(18, 68, "parts of outputs"),
    "lseek": Call(8, 62, "sources"),
    "ftruncate": Call(77, 46, "standard error"),
    "fsync": Call(74, 82, "outputs"),
    "fdatasync": Call(75, 83, "outputs"),
    "fstat": Call(5, 80, "sources, outputs"),
    "close": Call(3, 57, "files"),
    "dup": Call(32, 23, "files given to C code"),
    "dup2": Call(33, None, "redirected standard streams"),
    "dup3": Call(292, 24, "redirected standard streams"),
    "fcntl": Call(72, 25, "duplicates, flags; no owner, lease or lock", arguments.DESCRIPTOR_COMMANDS),
    "poll": Call(7, None, "wait for the pool, sleep"),
    "ppoll": Call(271, 73, "wait for the pool, sleep"),
    "sendto": Call(44, 206, "messages to the pool"),
    "recvfrom": Call(45, 207, "answers of the pool"),
    "sendmsg": Call(46, 211, "files to the pool"),
    "recvmsg": Call(47, 212, "files from the pool"),
}

FILES: Group = {
    "openat": Call(257, 56, "sources, outputs, modules; Landlock decides", arguments.open_flags(2)),
    "open": Call(2, None, "musl: as openat", arguments.open_flags(1)),
    "newfstatat": Call(262, 79, "sources, modules"),
    "statx": Call(332, 291, "sources, modules"),
    "stat": Call(4, None, "musl: sources, modules"),
    "lstat": Call(6, None, "musl: sources, modules"),
    "access": Call(21, None, "modules"),
    "faccessat": Call(269, 48, "modules"),
    "faccessat2": Call(439, 439, "modules"),
    "readlink": Call(89, None, "real paths"),
    "readlinkat": Call(267, 78, "real paths"),
    "getcwd": Call(79, 17, "relative paths"),
    "getdents64": Call(217, 61, "directories of modules"),
}

GROUPS: Mapping[str, Group] = {
    "memory": MEMORY,
    "threads": THREADS,
    "signals": SIGNALS,
    "clocks": CLOCKS,
    "information": INFORMATION,
    "descriptors": DESCRIPTORS,
    "files": FILES,
}
"""What every worker may do, by purpose."""

MEMFDS: Group = {
    "memfd_create": Call(319, 279, "results with files"),
    "fcntl": Call(72, 25, "seals of memfds", arguments.MEMFD_COMMANDS),
}
"""Only with ``SandboxPolicy.create_memfds``."""

TOOLS: Group = {
    "fcntl": Call(72, 25, "locks of files", arguments.LOCK_COMMANDS),
    "mkdir": Call(83, None, "data of tools"),
    "mkdirat": Call(258, 34, "data of tools"),
    "rename": Call(82, None, "data of tools"),
    "renameat": Call(264, 38, "data of tools"),
    "renameat2": Call(316, 276, "data of tools"),
    "unlink": Call(87, None, "data of tools"),
    "unlinkat": Call(263, 35, "data of tools"),
}
"""Only if the environment names directories for tools that write in a worker."""

UNSUPPORTED: Mapping[str, tuple[int, int]] = {
    "clone3": (435, 435),
    "close_range": (436, 436),
    "openat2": (437, 437),
    "copy_file_range": (326, 285),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "futex_waitv": (449, 449),
    "map_shadow_stack": (453, 453),
    "futex_wake": (454, 454),
    "futex_wait": (455, 455),
    "futex_requeue": (456, 456),
    "mseal": (462, 462),
}
"""Fail with ENOSYS, as in an old kernel, so that the C library uses other calls."""

NO_TERMINAL: Mapping[str, tuple[int, int]] = {"ioctl": (16, 29)}
"""Fail with ENOTTY, as for a regular file: ``isatty`` is false, and Python sets flags of descriptors with fcntl."""
