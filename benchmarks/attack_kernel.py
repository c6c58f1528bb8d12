"""Probes of the kernel, the network and shared memory: whatever a decoder does not need."""  # language: allow

import ctypes
import mmap
import os
import platform
import signal
import socket
import struct
from functools import partial
from typing import Any

from benchmarks.attack_probe import LIBC, Probe, Target, call

_NEWUSER, _NEWNS, _NEWNET = 0x10000000, 0x20000, 0x40000000
_X32 = 0x40000000
_ATTACH_FILTER = 26
_INT80 = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
"""getpid as a 32-bit program calls it: ``mov eax, 20; int 0x80; ret``."""


def _calls(*probes: tuple[Any, ...]) -> tuple[Probe, ...]:
    """Return a probe for each system call with arguments."""
    return tuple(
        Probe(f"call {name}", partial(lambda _, n, a: call(n, *a), n=name, a=arguments)) for name, *arguments in probes
    )


def _call_32_bit(_: Target) -> object:
    """Make a system call of another architecture, which must end the process."""
    flags, protection = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    memory = mmap.mmap(-1, mmap.PAGESIZE, flags=flags, prot=protection)
    memory.write(_INT80)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()


def _call_x32(_: Target) -> object:
    result = LIBC.syscall(ctypes.c_long(_X32 | 41), ctypes.c_long(socket.AF_UNIX), ctypes.c_long(1), ctypes.c_long(0))
    if result < 0:
        raise OSError(ctypes.get_errno(), "x32")
    return result


def _end_of_parent_by_socket(target: Target) -> object:
    """Take a pidfd of the parent from the socket that leads to it."""
    end = target.client._channel.worker_end  # noqa: SLF001
    (pidfd,) = struct.unpack("=i", end.getsockopt(socket.SOL_SOCKET, 77, 4))
    return call("pidfd_send_signal", pidfd, signal.SIGKILL, None, 0)


def _attach_filter(target: Target) -> object:
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(code))
    end = target.client._channel.worker_end  # noqa: SLF001
    return end.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)


def _name_interfaces(target: Target) -> object:
    import fcntl

    end = target.client._channel.worker_end  # noqa: SLF001
    return fcntl.ioctl(end.fileno(), 0x8910, struct.pack("=16xi20x", 1))


def _abstract(target: Target) -> object:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(f"\0forkresize-attack-{target.victim}")
        return "connected"


KERNEL = (
    *_calls(
        ("bpf", 0, None, 0),
        ("perf_event_open", None, 0, -1, -1, 0),
        ("userfaultfd", 1),
        ("io_uring_setup", 1, bytes(120)),
        ("keyctl", 0, -3, 0, 0, 0),
        ("add_key", b"user", b"forkresize", b"x", 1, -3),
        ("request_key", b"user", b"forkresize", None, -3),
        ("mount", b"none", b"/mnt", b"tmpfs", 0, None),
        ("umount2", b"/mnt", 0),
        ("fsopen", b"tmpfs", 0),
        ("open_tree", -100, b"/", 1),
        ("move_mount", -1, b"", -100, b"/mnt", 4),
        ("mount_setattr", -100, b"/", 0, bytes(32), 32),
        ("pivot_root", b"/", b"/"),
        ("unshare", _NEWUSER),
        ("unshare", _NEWNS | _NEWNET),
        ("setns", 0, 0),
        ("chroot", b"/"),
        ("personality", 0x0040000),
        ("init_module", None, 0, b""),
        ("finit_module", 0, b"", 0),
        ("kexec_load", 0, 0, None, 0),
        ("quotactl", 0x80000700, b"/", 0, None),
        ("swapoff", b"/none"),
        ("acct", None),
        ("sethostname", b"x", 1),
        ("setxattrat", -100, b"/", 0, b"user.x", None, 0),
        ("memfd_secret", 0),
        ("settimeofday", None, None),
    ),
    Probe("lock all memory", lambda _: call("mlockall", 3), "EPERM ENOSYS ENOMEM"),
    Probe("call the kernel as an x32 program", _call_x32),
    *(
        [Probe("call the kernel as a 32-bit program", _call_32_bit, "ended EPERM EACCES", own="any")]
        if platform.machine() == "x86_64"
        else []
    ),
)

NETWORK = (
    *(
        Probe(f"open a socket of {family}", partial(lambda _, f: socket.socket(f, socket.SOCK_DGRAM), f=number))
        for family, number in {"IPv4": 2, "IPv6": 10, "Unix": 1, "VSOCK": 40}.items()
    ),
    *(
        Probe(f"open a socket of {family}", partial(lambda _, f: socket.socket(f, socket.SOCK_RAW), f=number))
        for family, number in {"netlink": 16, "packets": 17}.items()
    ),
    Probe("open a socket of the kernel's ciphers", lambda _: socket.socket(38, socket.SOCK_SEQPACKET)),
    Probe("open a stream socket", lambda _: socket.socket()),
    Probe("open a pair of sockets", lambda _: socket.socketpair()),
    Probe("connect to an abstract socket", _abstract),
    Probe("connect its own socket elsewhere", lambda _: call("connect", 0, bytes(16), 16)),
    Probe("attach a program to its socket", _attach_filter),
    Probe("name the network's interfaces", _name_interfaces, "ENOTTY"),
    Probe("kill the parent by a pidfd of its socket", _end_of_parent_by_socket, "EPERM ENOSYS ENOPROTOOPT ENODATA"),
)

SHARED = (
    *_calls(
        ("shmget", 0, 4096, 0o1600),
        ("semget", 0, 1, 0o1600),
        ("msgget", 0, 0o1600),
        ("mq_open", b"/forkresize", 0o102, 0o600, None),
    ),
    Probe("create an anonymous file", lambda _: os.memfd_create("mine")),
    Probe("map memory that it could hide", lambda _: mmap.mmap(-1, 1 << 20)),
)

OTHERS = (*KERNEL, *NETWORK, *SHARED)
