"""Probes of the parent: forged messages, forged outputs, descriptors, memory, standard error, time."""

import array
import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable

from benchmarks.attack_probe import Probe, Target, call

_HEADER = struct.Struct("=BQdIQ")
"""MessageType, number of the task, seconds, bytes of standard error, bytes of payload; as in ``pool.protocol``."""

RETURNED, RAISED, NOT_STARTED, INIT_FAILED, OPEN_FILE, RESERVE, READY, SEND_FILES, RETURNED_FILES = range(1, 10)

_MB = 1 << 20
_BUDGET = 256 * _MB
_SILENT = "none"
"""The attempt itself may succeed; what counts is that it has no effect."""

ESCAPE = '\x1b]0;title\x07\x1b[2J\x1b[31m\n{"status":"written"}\r\u202e\u009b2J'
"""What a terminal would act on."""


def _written(**changes: object) -> list[object]:
    detail: dict[str, object] = {
        "status": "written", "out_bytes": 100, "in_size": [64, 48], "out_size": [32, 24], "in_format": "jpeg",
        "out_format": "jpeg",
    }  # fmt: skip
    return [0, detail | changes, []]


def _failed(error: str, **changes: object) -> list[object]:
    return [0, {"status": "failed", "reason": "damaged or truncated", "error": error} | changes, []]


def _frame(target: Target, kind: int, payload: bytes = b"", number: int | None = None, seconds: float = 0.0) -> bytes:
    return _HEADER.pack(kind, target.number if number is None else number, seconds, 0, len(payload)) + payload


def _send(target: Target, data: bytes) -> None:
    target.client._channel.worker_end.sendall(data)  # noqa: SLF001  Code in the worker can reach everything.


def _stall() -> None:
    """Wait to be killed."""
    time.sleep(60)


def _leave() -> None:
    """Wait for a moment to be killed, then exit."""
    time.sleep(0.5)
    os._exit(7)


def _forge(*payloads: object, kind: int = RETURNED) -> Callable[[Target], object]:
    """Return an attempt that answers with these values and then exits."""

    def attempt(target: Target) -> None:
        for payload in payloads:
            data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            _send(target, _frame(target, kind, data))
        _leave()

    return attempt


def _raw(make: Callable[[Target], bytes]) -> Callable[[Target], object]:
    """Return an attempt that sends bytes and then waits."""

    def attempt(target: Target) -> None:
        _send(target, make(target))
        _stall()

    return attempt


def _flood(kind: int, payload: bytes = b"", count: int = 20_000) -> Callable[[Target], object]:
    def attempt(target: Target) -> None:
        for _ in range(count // 100):
            _send(target, _frame(target, kind, payload) * 100)

    return attempt


def _stage(make: Callable[[Target], object], size: int = 100) -> Callable[[Target], object]:
    """Return an attempt that leaves something under the staged name and reports it as an output of this size."""

    def attempt(target: Target) -> None:
        make(target)
        _send(target, _frame(target, RETURNED, json.dumps([_written(out_bytes=size)]).encode()))
        _leave()

    return attempt


def _create(target: Target, size: int) -> int:
    descriptor = os.open(target.staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.ftruncate(descriptor, size)
    return descriptor


def _create_set_id(target: Target) -> None:
    os.close(os.open(target.staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o6777))


def _grow_after_answer(target: Target) -> None:
    descriptor = _create(target, 100)
    _send(target, _frame(target, RETURNED, json.dumps([_written()]).encode()))
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        os.ftruncate(descriptor, _MB)
        os.ftruncate(descriptor, 100)
    _leave()


def _pass_descriptors(target: Target, *, many: bool, directory: bool, kind: int | None) -> None:
    """Send descriptors of its own to the parent, over both sockets."""
    descriptor = os.open(target.staging, os.O_PATH | os.O_DIRECTORY) if directory else os.open("/dev/null", os.O_RDWR)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor] * (253 if many else 1)))]
    channel = target.client._channel  # noqa: SLF001
    for end in (channel.files.worker_end, channel.worker_end):
        data = _frame(target, kind, b"[]") if kind and end is channel.worker_end else b"f"
        for _ in range(100 if many else 1):
            try:
                end.sendmsg([data], rights, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break


def _forge_credentials(target: Target) -> None:
    credentials = struct.pack("=3i", target.victim, os.getuid(), os.getgid())
    target.client._channel.worker_end.sendmsg([b""], [(socket.SOL_SOCKET, 2, credentials)])  # noqa: SLF001


def _close_all(_: Target) -> None:
    os.closerange(0, 256)
    _stall()


def _claim_later_start(target: Target) -> None:
    """Claim in the shared memory that the task starts in the future, so that it never becomes overdue."""
    target.client._channel.current._times[0] = time.monotonic() + 1e9  # noqa: SLF001
    _stall()


def _claim_other_task(target: Target) -> None:
    target.client._channel.current._numbers[0] = 1  # noqa: SLF001
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_memory(target: Target) -> None:
    """Ask for memory that nobody has, and keep working: a task that waits has no deadline."""  # language: allow
    _send(target, _frame(target, RESERVE, struct.pack("<Q", 2**63)))
    _stall()


def _fill_memory(_: Target) -> str:
    blocks = []
    for number in range(3 * _BUDGET // (16 * _MB)):
        block = mmap.mmap(-1, 16 * _MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for page in range(0, 16 * _MB, mmap.PAGESIZE):
            block[page] = 1
        blocks.append(block)
        if (number + 1) * 16 * _MB > 2 * _BUDGET:
            return "twice the budget"
    return "all"


def _raise_memory_limit(target: Target) -> str:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return _fill_memory(target)


def _fill_anonymous_files(_: Target) -> str:
    for number in range(8):
        descriptor = os.memfd_create(f"{number}")
        for _block in range(6):
            os.write(descriptor, bytes(16 * _MB))
    return "three times the budget"


def _fill_standard_error(_target: Target) -> None:
    """Write more to the shared file of standard error than the whole budget."""
    block = bytes(_MB)
    for _ in range(2 * _BUDGET // _MB):
        os.write(2, block)


def _start_threads(_target: Target) -> None:
    """Start as many threads as possible."""
    event = threading.Event()
    threads: list[threading.Thread] = []
    try:
        for _ in range(5000):
            threads.append(threading.Thread(target=event.wait, daemon=True))
            threads[-1].start()
    except RuntimeError:
        pass
    finally:
        event.set()


def _change_filters(_: Target) -> None:
    """Add a filter and a ruleset of its own: both can only deny more."""
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
    call("prctl", 22, 2, struct.pack("HP", 1, ctypes.addressof(code)), 0, 0)


FORGED = (
    Probe("answer with 4 GB", _raw(lambda t: _HEADER.pack(RETURNED, t.number, 0.0, 0, 1 << 32)), _SILENT, own="failed"),
    Probe("answer for another task", _raw(lambda t: _frame(t, RETURNED, b"[]", 10**6)), _SILENT, own="failed"),
    Probe("answer in no time", _raw(lambda t: _frame(t, RETURNED, b"[]", None, -1.0)), _SILENT, own="failed"),
    Probe("answer at no time", _raw(lambda t: _frame(t, RETURNED, b"[]", None, float("nan"))), _SILENT, own="failed"),
    Probe("answer with deep JSON", _forge(b"[" * 500_000), _SILENT, own="failed"),
    Probe("fail with deep JSON", _forge(b"[" * 500_000, kind=RAISED), _SILENT, own="failed"),
    Probe("fail with 60 MB of numbers", _forge(b"[" + b"0," * 30_000_000 + b"0]", kind=RAISED), _SILENT, own="failed"),
    Probe("answer with 60 MB", _forge(b"[" + b"0," * 30_000_000 + b"0]"), _SILENT, own="failed"),
    Probe("fail with 30 MB of text", _forge(["x" * 30 * _MB, "y" * 30 * _MB], kind=RAISED), _SILENT, own="failed"),
    Probe("answer with wrong types", _forge([_written(out_bytes="x")]), _SILENT, own="failed"),
    Probe("answer with a huge number", _forge([_written(out_bytes=2**63)]), _SILENT, own="failed"),
    Probe("answer with an unknown field", _forge([_written(path="/etc/passwd")]), _SILENT, own="failed"),
    Probe("answer for another rendition", _forge([[7, *_written()[1:]]]), _SILENT, own="failed"),
    Probe("answer twice", _forge([_failed("once")], [_failed("twice")]), _SILENT, own="any"),
    Probe("fail with text that controls terminals", _forge([_failed(ESCAPE)]), _SILENT, own="any"),
    Probe("warn with text that controls terminals", _forge([[*_failed("x")[:2], [ESCAPE] * 9]]), _SILENT, own="any"),
    Probe("raise text that controls terminals", _forge([ESCAPE, ESCAPE], kind=RAISED), _SILENT, own="failed"),
    Probe("send part of a message", _raw(lambda t: _frame(t, RETURNED, b"[]")[:9]), _SILENT, own="failed"),
    Probe("end with text that controls terminals", lambda _: os.write(2, ESCAPE.encode()) and os._exit(7), _SILENT,
          own="failed"),
    Probe("start again", _raw(lambda t: _frame(t, READY, b"", 0)), _SILENT, own="failed"),
    Probe("fail to start", _raw(lambda t: _frame(t, INIT_FAILED, b'["a", "b"]', 0)), _SILENT, own="failed"),
    Probe("claim that the run was stopped", _raw(lambda t: _frame(t, NOT_STARTED)), _SILENT, own="failed"),
    Probe("send messages of unknown types", _raw(lambda t: _frame(t, 99)), _SILENT, own="failed"),
    Probe("ask for a secret by the parent", lambda t: t.client.request_file(t.secret), "EACCES EPERM"),
    Probe("ask for another source by the parent", lambda t: t.client.request_file(t.other), "EACCES EPERM"),
    Probe("ask for the ledger by the parent", lambda t: t.client.request_file(f"{t.state}/ledger.db"), "EACCES EPERM"),
    Probe("ask for a name of 60 MB", _raw(lambda t: _frame(t, OPEN_FILE, b"x" * 60 * _MB)), _SILENT, own="failed"),
    Probe("ask for files without end", _flood(OPEN_FILE, b"/etc/passwd"), _SILENT, own="any"),
    Probe("ask for files of a task without end", _flood(SEND_FILES), _SILENT, own="any"),
    Probe("ask for memory without end", _flood(RESERVE, struct.pack("<Q", _MB)), _SILENT, own="any"),
    Probe("wait for more memory than there is", _wait_for_memory, _SILENT, own="failed"),
)  # fmt: skip

STAGED = (
    Probe("report an output that is missing", _forge([_written()]), _SILENT, own="failed"),
    Probe("report a wrong size", _stage(lambda t: os.close(_create(t, 99))), _SILENT, own="failed"),
    Probe("report a file of 1 TB", _stage(lambda t: os.close(_create(t, 1 << 40))), "EFBIG none", own="failed"),
    Probe("report a file of another type", _stage(lambda t: os.mkfifo(t.staged)), own="any"),
    Probe("report a link to a secret", _stage(lambda t: os.symlink(t.secret, t.staged)), own="any"),
    Probe("report a hard link of a secret", _stage(lambda t: os.link(t.secret, t.staged)), "EACCES EPERM EXDEV", 1,
          own="any"),
    Probe("report a directory", _stage(lambda t: os.mkdir(t.staged)), "EACCES EPERM", 1, own="any"),
    Probe("report a set-user-id file", _stage(_create_set_id, 0), _SILENT, own="any"),
    Probe("change an output after its report", _grow_after_answer, _SILENT, own="any"),
)  # fmt: skip

CHANNELS = (
    Probe("pass a descriptor", lambda t: _pass_descriptors(t, many=False, directory=False, kind=None),
          "ETOOMANYREFS none", own="failed"),
    Probe("pass many descriptors", lambda t: _pass_descriptors(t, many=True, directory=False, kind=RETURNED_FILES),
          "EPERM EACCES ENOSYS ETOOMANYREFS none", own="failed"),
    Probe("pass a directory", lambda t: _pass_descriptors(t, many=False, directory=True, kind=RETURNED_FILES),
          "ETOOMANYREFS none", own="failed"),
    Probe("forge credentials", _forge_credentials, "EPERM EACCES ENOSYS none"),
    Probe("close everything and stay", _close_all, _SILENT, own="failed"),
    Probe("stop itself", lambda _: os.kill(os.getpid(), signal.SIGSTOP), _SILENT, own="failed"),
    Probe("claim to start later", _claim_later_start, _SILENT, own="failed"),
    Probe("blame another task for its death", _claim_other_task, _SILENT, own="failed"),
    Probe("add a filter of its own", _change_filters, "EPERM EACCES ENOSYS none"),
)  # fmt: skip

MEMORY = (
    Probe("use twice the budget", _fill_memory, "MemoryError ENOMEM ended", own="any", memory=_BUDGET),
    Probe("raise its memory limit and use twice the budget", _raise_memory_limit,
          "MemoryError ENOMEM EPERM ValueError ended", own="any", memory=_BUDGET),
    Probe("fill anonymous files", _fill_anonymous_files, "EPERM ENOSYS ENOMEM EFBIG ended", own="any", memory=_BUDGET),
    Probe("fill standard error", _fill_standard_error, "EFBIG ENOMEM ended", own="any", memory=_BUDGET),
    Probe("start threads without end", _start_threads, _SILENT, own="any", memory=_BUDGET),
)  # fmt: skip

PARENT = (*FORGED, *STAGED, *CHANNELS, *MEMORY)
