"""Probes of other processes: signals, limits, scheduling, tracing, and starting programs."""

import ctypes
import fcntl
import os
import resource
import signal
import struct
from typing import Any

from benchmarks.attack_probe import Probe, Target, call

_SETOWN_EX, _SETSIG, _SIOCSPGRP, _FIOSETOWN, _FIOASYNC = 15, 10, 0x8902, 0x8901, 0x5452
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_MM, _SET_PTRACER = 1, 4, 35, 0x59616D61
_PTRACE_ATTACH, _PTRACE_SEIZE, _PTRACE_TRACEME = 16, 0x4206, 0
_WHO_PROCESS, _WHO_USER = 1, 3
_CLONE_VM, _CLONE_PARENT, _CHILD = 0x100, 0x8000, 17
_ALLOWED = "EPERM ENOSYS EACCES EINVAL"


def _end(process: str, name: str, *arguments: Any) -> Probe:
    """Return a probe that sends SIGKILL to a process."""
    return Probe(f"kill {process} by {name}", lambda t: call(name, *(each(t) for each in arguments)))


def _victim(target: Target) -> int:
    return target.victim


def _parent(target: Target) -> int:
    return target.parent


def _kill(_: Target) -> int:
    return signal.SIGKILL


def _information(_: Target) -> bytes:
    return struct.pack("=iii", signal.SIGKILL, 0, -1) + bytes(116)


def _own_signals(target: Target, command: int, argument: object) -> object:
    """Have the kernel send SIGKILL to the victim when a descriptor becomes ready."""
    descriptor = target.client._channel.worker_end.fileno()  # noqa: SLF001
    return fcntl.fcntl(descriptor, command, argument)  # type: ignore[call-overload]


def _control(target: Target, request: int) -> object:
    descriptor = target.client._channel.worker_end.fileno()  # noqa: SLF001
    return fcntl.ioctl(descriptor, request, struct.pack("=i", target.victim))


def _by_pidfd(target: Target) -> object:
    return call("pidfd_send_signal", call("pidfd_open", target.victim, 0), signal.SIGKILL, None, 0)


def _take_descriptor(target: Target) -> object:
    return call("pidfd_getfd", call("pidfd_open", target.parent, 0), 0, 0)


def _limit(pid: int, kind: int, value: int) -> object:
    return resource.prlimit(pid, kind, (value, value))


def _set_timer(target: Target) -> object:
    """Create a timer whose signal goes to a thread of the victim (SIGEV_THREAD_ID)."""
    event = ctypes.create_string_buffer(struct.pack("=qiii", 0, signal.SIGKILL, 4, target.victim) + bytes(44))
    return call("timer_create", 0, event, ctypes.create_string_buffer(8))


def _schedule(target: Target) -> object:
    return call("sched_setattr", target.victim, struct.pack("=IIQiIQQQ", 48, 5, 0, 0, 0, 0, 0, 0), 0)


def _copy_memory(name: str, target: Target) -> object:
    buffer = ctypes.create_string_buffer(8)
    local = struct.pack("=QQ", ctypes.addressof(buffer), 8)
    remote = struct.pack("=QQ", ctypes.addressof(buffer), 8)
    return call(name, target.parent, local, 1, remote, 1, 0)


def _fork(name: str, *arguments: object) -> object:
    child = call(name, *arguments)
    if child == 0:
        os._exit(0)
    return child


SIGNALS = (
    _end("the parent", "kill", _parent, _kill),
    _end("the victim", "kill", _victim, _kill),
    Probe("kill its process group", lambda _: os.kill(0, signal.SIGTERM)),
    Probe("kill all processes", lambda _: os.kill(-1, signal.SIGTERM)),
    Probe("look whether the victim exists", lambda t: os.kill(t.victim, 0)),
    _end("the victim", "tgkill", _victim, _victim, _kill),
    _end("the parent", "tkill", _parent, _kill),
    _end("the victim", "rt_sigqueueinfo", _victim, _kill, _information),
    _end("the parent", "rt_tgsigqueueinfo", _parent, _parent, _kill, _information),
    Probe("kill the victim by a pidfd", _by_pidfd),
    Probe("take a descriptor of the parent", _take_descriptor),
    Probe("have I/O signal the victim (F_SETOWN)", lambda t: _own_signals(t, fcntl.F_SETOWN, t.victim)),
    Probe(
        "have I/O signal the victim (F_SETOWN_EX)",
        lambda t: _own_signals(t, _SETOWN_EX, struct.pack("=ii", 1, t.victim)),
    ),
    Probe("choose the signal of I/O (F_SETSIG)", lambda t: _own_signals(t, _SETSIG, signal.SIGKILL)),
    Probe("have I/O signal the victim (SIOCSPGRP)", lambda t: _control(t, _SIOCSPGRP), "ENOTTY"),
    Probe("have I/O signal the victim (FIOSETOWN)", lambda t: _control(t, _FIOSETOWN), "ENOTTY"),
    Probe("turn on signals of I/O (FIOASYNC)", lambda t: _control(t, _FIOASYNC), "ENOTTY"),
    Probe("set a timer that signals the victim", _set_timer, _ALLOWED),
    Probe("outlive the parent (PR_SET_PDEATHSIG)", lambda _: call("prctl", _SET_PDEATHSIG, 0, 0, 0, 0)),
)

PRIORITIES = (
    Probe("limit the parent's CPU time", lambda t: _limit(t.parent, resource.RLIMIT_CPU, 0)),
    Probe("limit the victim's CPU time", lambda t: _limit(t.victim, resource.RLIMIT_CPU, 0)),
    Probe("limit the parent's open files", lambda t: _limit(t.parent, resource.RLIMIT_NOFILE, 3)),
    Probe("read the victim's limits", lambda t: resource.prlimit(t.victim, resource.RLIMIT_AS)),
    Probe("raise its own core limit", lambda _: _limit(0, resource.RLIMIT_CORE, 1 << 30), "EPERM ValueError"),
    Probe("raise its own file limit", lambda _: _limit(0, resource.RLIMIT_NOFILE, 4096), "EPERM ValueError"),
    Probe("pin the victim to one processor", lambda t: os.sched_setaffinity(t.victim, {0})),
    Probe("read the victim's processors", lambda t: os.sched_getaffinity(t.victim)),
    Probe("make the victim idle", lambda t: os.sched_setscheduler(t.victim, os.SCHED_IDLE, os.sched_param(0))),
    Probe("change the victim's priority", lambda t: os.sched_setparam(t.victim, os.sched_param(0))),
    Probe("make the victim idle by sched_setattr", _schedule),
    Probe("lower the victim's niceness", lambda t: os.setpriority(os.PRIO_PROCESS, t.victim, 19)),
    Probe("lower the user's niceness", lambda _: os.setpriority(os.PRIO_USER, os.getuid(), 19)),
    Probe("lower the victim's I/O priority", lambda t: call("ioprio_set", _WHO_PROCESS, t.victim, 3 << 13)),
    Probe("lower the user's I/O priority", lambda _: call("ioprio_set", _WHO_USER, os.getuid(), 3 << 13)),
    Probe("move the victim's pages", lambda t: call("move_pages", t.victim, 0, None, None, None, 0)),
    Probe("join the victim's process group", lambda t: os.setpgid(t.victim, 0)),
    Probe("start a session", lambda _: os.setsid()),
)

TRACING = (
    Probe("trace the parent", lambda t: call("ptrace", _PTRACE_ATTACH, t.parent, 0, 0)),
    Probe("seize the victim", lambda t: call("ptrace", _PTRACE_SEIZE, t.victim, 0, 0)),
    Probe("be traced by the parent", lambda _: call("ptrace", _PTRACE_TRACEME, 0, 0, 0)),
    Probe("let others trace it (PR_SET_DUMPABLE)", lambda _: call("prctl", _SET_DUMPABLE, 1, 0, 0, 0)),
    Probe("let any process trace it (PR_SET_PTRACER)", lambda _: call("prctl", _SET_PTRACER, -1, 0, 0, 0), _ALLOWED),
    Probe("change its memory map (PR_SET_MM)", lambda _: call("prctl", _SET_MM, 1, 0, 0, 0), _ALLOWED),
    Probe("read the parent's memory", lambda t: _copy_memory("process_vm_readv", t)),
    Probe("write the parent's memory", lambda t: _copy_memory("process_vm_writev", t)),
    Probe("compare descriptors with the parent", lambda t: call("kcmp", os.getpid(), t.parent, 0, 0, 0)),
    Probe("page out the parent", lambda t: call("process_madvise", call("pidfd_open", t.parent, 0), None, 0, 21, 0)),
    Probe("free the victim's memory", lambda t: call("process_mrelease", call("pidfd_open", t.victim, 0), 0)),
)

STARTING = (
    Probe("fork", lambda _: _fork("fork")),
    Probe("fork by vfork", lambda _: _fork("clone", _CLONE_VM | 0x4000 | _CHILD, 0, 0, 0, 0)),
    Probe("fork by clone", lambda _: _fork("clone", _CHILD, 0, 0, 0, 0)),
    Probe("fork a sibling", lambda _: _fork("clone", _CLONE_PARENT | _CHILD, 0, 0, 0, 0)),
    Probe("fork by clone3", lambda _: _fork("clone3", struct.pack("=8Q", 0, 0, 0, 0, _CHILD, 0, 0, 0), 64)),
    Probe("execute a program", lambda _: os.execv("/bin/true", ["true"])),  # noqa: S606
    Probe("execute a program by a descriptor", lambda _: call("execveat", 3, b"", None, None, 0x1000)),
    Probe("start a program by posix_spawn", lambda _: os.posix_spawn("/bin/true", ["true"], {})),
    Probe("become another user", lambda _: os.setuid(os.getuid())),
    Probe("become another group", lambda _: os.setgid(os.getgid())),
    Probe("gain capabilities", lambda _: call("capset", struct.pack("=Ii", 0x20080522, 0), bytes(24))),
)

PROCESSES = (*SIGNALS, *PRIORITIES, *TRACING, *STARTING)
