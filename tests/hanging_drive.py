"""A drive that stops answering, as network drives do: a file system of FUSE whose server is this program.

    python tests/hanging_drive.py MOUNTPOINT FOLDER

It serves the files and directories of FOLDER, read-only. A file whose name contains ``hang`` can be opened, but reading
it never ends, and neither does listing such a directory. It writes a line when it is mounted, and one for each request
that it leaves without an answer. It ends when its standard input does; requests that wait then fail.

The structures are those of ``linux/fuse.h``.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import sys
from pathlib import Path

_HEADER = struct.Struct("=IIQQIIIHH")  # struct fuse_in_header
_REPLY = struct.Struct("=IiQ")  # struct fuse_out_header
_ATTRIBUTES = struct.Struct("=6Q10I")  # struct fuse_attr
_ENTRY = struct.Struct("=QQII")  # struct fuse_dirent
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _INIT, _OPENDIR, _READDIR = 1, 2, 3, 14, 15, 26, 27, 28
_INTERRUPT = 36
_UNANSWERED = {_FORGET, 42}  # The other one is FUSE_BATCH_FORGET.
_FORGIVEN = {18, 25, 29}  # FUSE_RELEASE, FUSE_FLUSH, FUSE_RELEASEDIR
_MS_NOSUID_NODEV, _MNT_DETACH = 0x6, 0x2
_MAX_WRITE = 1 << 17
_FOREVER = 1 << 31
"""Seconds for which the kernel may keep names and attributes."""


class HangingDrive:
    """The server of one mount."""

    def __init__(self, mountpoint: str, folder: str) -> None:
        self._paths = ["", folder]  # By node; the kernel calls the root 1.
        self._device = os.open("/dev/fuse", os.O_RDWR)
        self._mountpoint = os.fsencode(mountpoint)
        self._libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self._device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
        if self._libc.mount(b"hanging", self._mountpoint, b"fuse", ctypes.c_ulong(_MS_NOSUID_NODEV), options):
            raise OSError(ctypes.get_errno(), "cannot mount")

    def close(self) -> None:
        """Unmount it; all requests that wait fail."""
        self._libc.umount2(self._mountpoint, _MNT_DETACH)
        os.close(self._device)

    def serve(self) -> None:
        """Answer requests until standard input ends."""
        _report("mounted")
        poll = select.poll()
        poll.register(self._device, select.POLLIN)
        poll.register(0, select.POLLIN)
        while all(fd == self._device for fd, _ in poll.poll()):
            request = os.read(self._device, _MAX_WRITE + (1 << 16))
            _, operation, unique, node, *_ = _HEADER.unpack_from(request)
            self._answer(operation, unique, node, request[_HEADER.size :])

    def _answer(self, operation: int, unique: int, node: int, body: bytes) -> None:
        if operation in _UNANSWERED:
            return
        if operation == _INTERRUPT:
            # Like a network drive of the kernel, it lets go of a process that is killed.
            (waiting,) = struct.unpack_from("=Q", body)
            os.write(self._device, _REPLY.pack(_REPLY.size, -errno.EINTR, waiting))
            return
        path = self._paths[node] if node else ""
        if operation in {_READ, _READDIR} and "hang" in os.path.basename(path):
            _report(f"hangs {os.path.basename(path)}")
            return
        try:
            error, answer = 0, self._perform(operation, path, body)
        except OSError as failure:
            error, answer = failure.errno or errno.EIO, b""
        os.write(self._device, _REPLY.pack(_REPLY.size + len(answer), -error, unique) + answer)

    def _perform(self, operation: int, path: str, body: bytes) -> bytes:
        if operation == _INIT:
            return struct.pack("=4I2H2I2H8I", 7, 31, 0, 0, 8, 6, _MAX_WRITE, 1, *[0] * 10)
        if operation == _LOOKUP:
            found = os.path.join(path, os.fsdecode(body.rstrip(b"\0")))
            attributes = _attributes(found)
            if found not in self._paths:
                self._paths.append(found)
            return struct.pack("=4Q2I", self._paths.index(found), 0, _FOREVER, _FOREVER, 0, 0) + attributes
        if operation == _GETATTR:
            return struct.pack("=Q2I", _FOREVER, 0, 0) + _attributes(path)
        if operation in {_OPEN, _OPENDIR}:
            return bytes(16)
        if operation in {_READ, _READDIR}:
            _, offset, size = struct.unpack_from("=QQI", body)
            data = Path(path).read_bytes() if operation == _READ else _list(path)
            return data[offset : offset + size]
        if operation in _FORGIVEN:
            return b""
        raise OSError(errno.ENOSYS, "not implemented")


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _attributes(path: str) -> bytes:
    found = os.stat(path)
    times = [int(found.st_atime), int(found.st_mtime), int(found.st_ctime)]
    nanoseconds = [0, found.st_mtime_ns % 10**9, 0]
    return _ATTRIBUTES.pack(
        found.st_ino, found.st_size, 8, *times, *nanoseconds, found.st_mode, 1, found.st_uid, found.st_gid, 0, 4096, 0
    )


def _list(path: str) -> bytes:
    """Return the entries of a directory; an entry's offset is that of the next one."""
    entries = b""
    for name in map(os.fsencode, os.listdir(path)):
        kind = stat.S_IFMT(os.stat(os.path.join(os.fsencode(path), name)).st_mode) >> 12
        size = _ENTRY.size + len(name)
        size += -size % 8
        entries += (_ENTRY.pack(1, len(entries) + size, len(name), kind) + name).ljust(size, b"\0")
    return entries


if __name__ == "__main__":
    drive = HangingDrive(*sys.argv[1:])
    try:
        drive.serve()
    finally:
        drive.close()
