"""Probes of the file system: read, list, write, move, link and lock files that no worker needs."""

import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable

from benchmarks.attack_probe import Probe, Target, call, read, write

_AT_FDCWD, _AT_EMPTY_PATH, _AT_SYMLINK_FOLLOW = -100, 0x1000, 0x400
_EXCHANGE = 2
_SETLEASE, _NOTIFY, _OFD_SETLK = 1024, 1026, 37
_GETFLAGS, _SETFLAGS, _SETPROJECT = 0x80086601, 0x40086602, 0x401C5820
_NODUMP = 0x40
_DENIED = "EACCES EPERM"
_ANY = "EACCES EPERM ENOSYS EXDEV"


def _opened(path: Callable[[Target], str], act: Callable[[int], object]) -> Callable[[Target], object]:
    """Return an attempt that opens a readable file and does something to its descriptor."""

    def attempt(target: Target) -> object:
        descriptor = os.open(path(target), os.O_RDONLY)
        try:
            return act(descriptor)
        finally:
            os.close(descriptor)

    return attempt


def _own(target: Target) -> str:
    return target.source


def _change_flags(descriptor: int) -> object:
    flags = fcntl.ioctl(descriptor, _GETFLAGS, bytes(8))
    (value,) = struct.unpack_from("=I", flags)
    return fcntl.ioctl(descriptor, _SETFLAGS, struct.pack("=Q", value | _NODUMP))


def _link_unnamed(target: Target) -> object:
    descriptor = os.open(target.staging, os.O_WRONLY | os.O_TMPFILE, 0o600)
    os.write(descriptor, b"unnamed")
    return call("linkat", descriptor, b"", _AT_FDCWD, os.fsencode(f"{target.destination}/linked"), _AT_EMPTY_PATH)


def _open_at(target: Target) -> object:
    return call("openat2", _AT_FDCWD, os.fsencode(target.secret), bytes(24), 24)


def _open_handle(target: Target) -> object:
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    call("name_to_handle_at", _AT_FDCWD, os.fsencode(target.secret), handle, ctypes.byref(mount), 0)
    return call("open_by_handle_at", _AT_FDCWD, handle, os.O_RDONLY)


def _reopen_inherited(target: Target) -> object:
    """Reopen each file that is open for reading for writing, by its name in /proc."""
    for number in range(256):
        try:
            found = os.fstat(number)
        except OSError:
            continue
        if not stat.S_ISREG(found.st_mode) or not found.st_nlink:
            continue  # /dev/null, a pipe that shows its end, and the anonymous file of its standard error are its own.
        try:
            return os.open(f"/proc/self/fd/{number}", os.O_RDWR)
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
    raise PermissionError(errno.EACCES, "all", target.root)


def _enter(target: Target) -> object:
    os.chdir(f"{target.root}/outside")
    return read("secret")


def _keep_lease(target: Target) -> object:
    """Leave a lease on the staged file: a process that opens it waits 45 seconds, until the lease is broken."""
    descriptor = os.open(f"{target.staging}/lease", os.O_RDWR | os.O_CREAT, 0o600)
    return fcntl.fcntl(descriptor, _SETLEASE, fcntl.F_WRLCK)


def _lock_ledger(target: Target) -> object:
    descriptor = os.open(f"{target.state}/ledger.db", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return "locked"


def _plant_journal(target: Target) -> object:
    """Leave a hot journal that names another file as its super-journal, which SQLite would delete."""
    name = os.fsencode(target.secret)
    tail = struct.pack(">I", 1) + name + struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    with open(f"{target.state}/ledger.db-journal", "wb") as file:
        return file.write(bytes.fromhex("d9d505f920a163d7") + bytes(504) + tail)


READING = (
    Probe("read a secret in the working directory", lambda t: read(f"{t.root}/project/.env"), _DENIED, 1),
    Probe("read a secret in a directory below it", lambda t: read(f"{t.root}/project/conf/key"), _DENIED, 1),
    Probe("read a secret in the home directory", lambda t: read(f"{t.root}/home/.ssh/id"), _DENIED, 1),
    Probe("read a file outside", lambda t: read(t.secret), _DENIED, 1),
    Probe("read it through a path with ..", lambda t: read(f"{t.destination}/../outside/secret"), _DENIED, 1),
    Probe("read it from the directory it is in", _enter, _DENIED, 1),
    Probe("read it through a link in the destination", lambda t: read(f"{t.destination}/way-out"), _DENIED, 1),
    Probe("open it by openat2", _open_at, _ANY, 1),
    Probe("open it by a handle", _open_handle),
    Probe("read the ledger", lambda t: read(f"{t.state}/ledger.db"), _DENIED, 1),
    Probe("read the output of another picture", lambda t: read(t.output), _DENIED, 1),
    Probe("read the parent's environment", lambda t: read(f"/proc/{t.parent}/environ"), _DENIED, 1),
    Probe("read the parent's memory map", lambda t: read(f"/proc/{t.parent}/maps"), _DENIED, 1),
    Probe("read another process's command line", lambda t: read(f"/proc/{t.victim}/cmdline"), _DENIED, 1),
    Probe("open the parent's memory", lambda t: os.open(f"/proc/{t.parent}/mem", os.O_RDWR), _DENIED, 1),
    Probe("open its own memory for writing", lambda _: os.open("/proc/self/mem", os.O_RDWR), _DENIED, 1),
    Probe("reopen inherited descriptors for writing", _reopen_inherited, _DENIED, 1),
    Probe("list the sources", lambda t: os.listdir(f"{t.root}/in"), _DENIED, 1),
    Probe("list the destination", lambda t: os.listdir(t.destination), _DENIED, 1),
    Probe("list the staging directory", lambda t: os.listdir(t.staging), _DENIED, 1),
    Probe("list the home directory", lambda t: os.listdir(f"{t.root}/home"), _DENIED, 1),
    Probe("list /proc", lambda _: os.listdir("/proc"), _DENIED, 1),
    Probe("read a device", lambda _: read("/dev/zero"), _DENIED, 1),
    Probe("watch a directory by inotify", lambda _: call("inotify_init1", 0)),
    Probe("watch files by fanotify", lambda _: call("fanotify_init", 0, 0)),
    Probe("watch a directory by dnotify", _opened(_own, lambda fd: fcntl.fcntl(fd, _NOTIFY, 1)), "EPERM ENOTDIR"),
)

WRITING = (
    Probe("create a file in the destination", lambda t: write(f"{t.destination}/new"), _DENIED, 1),
    Probe("overwrite the output of another picture", lambda t: write(t.output, os.O_TRUNC), _DENIED, 1),
    Probe("create a directory in the destination", lambda t: os.mkdir(f"{t.destination}/new"), _DENIED, 1),
    Probe("write to the ledger", lambda t: write(f"{t.state}/ledger.db"), _DENIED, 1),
    Probe("leave a journal for the ledger", _plant_journal, _DENIED, 1),
    Probe("write to the lock file", lambda t: write(f"{t.state}/lock"), _DENIED, 1),
    Probe("lock the ledger", _lock_ledger, _DENIED, 1),
    Probe("overwrite its source", lambda t: write(t.source), _DENIED, 1),
    Probe("overwrite another source", lambda t: write(t.other), _DENIED, 1),
    Probe("empty a source by opening it", lambda t: os.open(t.other, os.O_RDONLY | os.O_TRUNC), _DENIED),
    Probe("empty a source by its name", lambda t: os.truncate(t.other, 0)),
    Probe("empty a file outside by its name", lambda t: os.truncate(t.secret, 0)),
    Probe("overwrite a file outside", lambda t: write(t.secret), _DENIED, 1),
    Probe("create a file in the home directory", lambda t: write(f"{t.root}/home/.profile"), _DENIED, 1),
    Probe("create a file in the working directory", lambda t: write(f"{t.root}/project/sitecustomize.py"), _DENIED, 1),
    Probe("create a file in /dev/shm", lambda _: write("/dev/shm/forkresize-attack"), _DENIED, 1),  # noqa: S108
    Probe("write to the terminal", lambda _: write("/dev/tty"), "EACCES EPERM ENXIO", 1),
    Probe("make itself the last to be killed", lambda _: write("/proc/self/oom_score_adj"), _DENIED, 1),
    Probe("make the victim the first to be killed", lambda t: write(f"/proc/{t.victim}/oom_score_adj"), _DENIED, 1),
    Probe("create a named pipe", lambda t: os.mkfifo(f"{t.staging}/pipe")),
    Probe("create a device", lambda t: os.mknod(f"{t.staging}/device", 0o020600, os.makedev(1, 3))),
    Probe("create a symbolic link", lambda t: os.symlink(t.secret, f"{t.staging}/link")),
    Probe("create a directory in staging", lambda t: os.mkdir(f"{t.staging}/directory"), _DENIED, 1),
    Probe("create an unnamed file and link it", _link_unnamed, _ANY + " EOPNOTSUPP ENOENT"),
)

MOVING = (
    Probe("remove the output of another picture", lambda t: os.unlink(t.output), _DENIED, 1),
    Probe("remove a source", lambda t: os.unlink(t.other), _DENIED, 1),
    Probe("remove the ledger", lambda t: os.unlink(f"{t.state}/ledger.db"), _DENIED, 1),
    Probe("remove a file outside", lambda t: os.unlink(t.secret), _DENIED, 1),
    Probe("remove the staging directory", lambda t: os.rmdir(t.staging), "EACCES EPERM ENOTEMPTY", 1),
    Probe("rename a source", lambda t: os.rename(t.other, f"{t.root}/in/moved"), _ANY, 1),
    Probe("rename an output", lambda t: os.rename(t.output, f"{t.destination}/moved"), _ANY, 1),
    Probe("rename the state directory", lambda t: os.rename(t.state, f"{t.destination}/moved"), _ANY, 1),
    Probe("rename a source into staging", lambda t: os.rename(t.other, f"{t.staging}/mine"), _ANY, 1),
    Probe(
        "exchange a source and an output",
        lambda t: call("renameat2", _AT_FDCWD, os.fsencode(t.other), _AT_FDCWD, os.fsencode(t.output), _EXCHANGE),
        _ANY,
        1,
    ),
    Probe("link a source into staging", lambda t: os.link(t.other, f"{t.staging}/mine"), _ANY, 1),
    Probe("link a secret into staging", lambda t: os.link(t.secret, f"{t.staging}/mine"), _ANY, 1),
    Probe("link the ledger into staging", lambda t: os.link(f"{t.state}/ledger.db", f"{t.staging}/mine"), _ANY, 1),
    Probe(
        "link its open source into staging",
        _opened(
            _own,
            lambda fd: call("linkat", _AT_FDCWD, b"/proc/self/fd/%d" % fd, _AT_FDCWD, b"out/mine", _AT_SYMLINK_FOLLOW),
        ),
        _ANY + " ENOENT",
        1,
    ),
)

ATTRIBUTES = (
    Probe("change the mode of a source", lambda t: os.chmod(t.other, 0o777)),  # noqa: S103
    Probe("change the mode of its open source", _opened(_own, lambda fd: os.fchmod(fd, 0o777))),
    Probe("change a mode by fchmodat2", lambda t: call("fchmodat2", _AT_FDCWD, os.fsencode(t.other), 0o777, 0)),
    Probe("change the owner of a source", lambda t: os.chown(t.other, os.getuid(), os.getgid())),
    Probe("change the owner of its open source", _opened(_own, lambda fd: os.fchown(fd, os.getuid(), os.getgid()))),
    Probe("change the time of a source", lambda t: os.utime(t.other, (1, 1))),
    Probe("change the time of its open source", _opened(_own, lambda fd: os.utime(fd, (1, 1)))),
    Probe("change the time of a file outside", lambda t: os.utime(t.secret, (1, 1))),
    Probe("give a source an attribute", lambda t: os.setxattr(t.other, "user.mine", b"x")),
    Probe("give its open source an attribute", _opened(_own, lambda fd: os.setxattr(fd, "user.mine", b"x"))),
    Probe("remove an attribute of a source", lambda t: os.removexattr(t.other, "user.canary")),
    Probe("change flags of its open source", _opened(_own, _change_flags), "ENOTTY"),
    Probe(
        "change the project of its source", _opened(_own, lambda fd: fcntl.ioctl(fd, _SETPROJECT, bytes(28))), "ENOTTY"
    ),
    Probe("take a lease of its open source", _opened(_own, lambda fd: fcntl.fcntl(fd, _SETLEASE, fcntl.F_RDLCK))),
    Probe("leave a lease on a staged file", _keep_lease),
    Probe("lock its open source", _opened(_own, lambda fd: fcntl.flock(fd, fcntl.LOCK_EX)), "EPERM"),
)

FILES = (*READING, *WRITING, *MOVING, *ATTRIBUTES)
