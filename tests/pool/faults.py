"""Faults as functions: each is work for a pool and does to its worker what its name says."""

import contextlib
import ctypes
import faulthandler
import gc
import mmap
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from forkresize.pool.client import WorkerClient
from forkresize.pool.shared import CurrentTask

LARGE = 8 << 20
"""Bytes; far more than a socket buffers."""


def double(number: int) -> int:
    return number * 2


def double_two() -> int:
    return 4


class Sleep:
    """Work that takes a while."""

    def __init__(self, seconds: float, mark: Path | None = None) -> None:
        self.seconds = seconds
        self.mark = mark

    def __call__(self) -> None:
        if self.mark is not None:
            self.mark.touch()
        time.sleep(self.seconds)


def kill_itself(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate_itself(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def segfault(_: object = None) -> None:
    ctypes.string_at(0)


def abort(_: object = None) -> None:
    faulthandler.disable()
    os.write(2, b"free(): invalid pointer\n")
    os.abort()


def exit_hard(_: object = None) -> None:
    os._exit(3)


def exit_hard_with_success(_: object = None) -> None:
    os._exit(0)


def die_of_a_real_time_signal(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGRTMIN + 3)


def sys_exit(_: object = None) -> NoReturn:
    sys.exit(3)


def interrupt(_: object = None) -> NoReturn:
    raise KeyboardInterrupt


FOREIGN: set[str] = set()
"""Sockets of the test process that do not belong to the pool, such as connections to the servers of other tests."""


def note_foreign_sockets() -> None:
    """Leave the sockets that exist now alone from here on, in workers that are forked later as well."""
    FOREIGN.clear()
    FOREIGN.update(name for _, name in _sockets())


def find_sockets() -> list[int]:
    """Return the descriptors of all sockets of the pool, as code that has taken over the worker can."""
    return [descriptor for descriptor, name in _sockets() if name not in FOREIGN]


def _sockets() -> Iterator[tuple[int, str]]:
    """Yield the descriptor of each socket, and its name, which has its number."""
    for entry in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            name = os.readlink(f"/proc/self/fd/{entry}")
            if name.startswith("socket:"):
                yield int(entry), name


def write_to_the_pool(data: bytes) -> None:
    """Write to every socket of the pool."""
    for descriptor in find_sockets():
        with contextlib.suppress(OSError):
            os.write(descriptor, data)


def send_to_the_pool(data: bytes) -> None:
    """Write all of it to the socket for messages."""
    client = WorkerClient.current
    assert client is not None
    client._channel.worker_end.sendall(data)  # noqa: SLF001 That is the attack.


def announce_a_payload_without_end(_: object = None) -> None:
    write_to_the_pool(struct.pack("=BQddIQ", 1, 1, 0.0, 0.0, 0, 1 << 60))
    hang()


def announce_standard_error_without_end(_: object = None) -> None:
    write_to_the_pool(struct.pack("=BQddIQ", 1, 1, 0.0, 0.0, (1 << 32) - 1, 0))
    hang()


def claim_to_have_just_begun(_: object = None) -> None:
    """Hang, and write into the shared memory that the task starts a week from now."""
    for current in [each for each in gc.get_objects() if isinstance(each, CurrentTask)]:
        with contextlib.suppress(ValueError):
            current._times[0] = time.monotonic() + 7 * 24 * 3600  # noqa: SLF001 That is the attack.
    hang()


def flood_standard_error(_: object = None) -> None:
    while True:
        os.write(2, bytes(1 << 20))
        time.sleep(0.001)


def stay_busy(_: object = None) -> None:
    while True:
        pass


def write_without_end(_: object = None) -> None:
    while True:
        write_to_the_pool(bytes(1 << 16))


def send_results_of_unknown_tasks_without_end(_: object = None) -> None:
    while True:
        write_to_the_pool(struct.pack("=BQddIQ", 1, 999_999, 0.0, 0.0, 0, 0) * 2000)


def fail(_: object = None) -> NoReturn:
    raise ValueError("no")


def fail_nameless(_: object = None) -> NoReturn:
    class NamelessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no name either")

    raise NamelessError


def hang_in_c(_: object = None) -> None:
    """Sleep in C without releasing the GIL."""
    ctypes.PyDLL(None).sleep(60)


def hang(_: object = None) -> None:
    threading.Event().wait(60)


def stop_itself(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def close_every_pipe(_: object = None) -> None:
    os.closerange(3, 256)
    hang()


def leave_a_child_and_die(_: object = None) -> None:
    """Leave a process behind that keeps all of the worker's pipes open for a while."""
    if os.fork() == 0:
        time.sleep(3)
        os._exit(0)
    kill_itself()


def fork_and_return(_: object = None) -> str:
    """Return in two processes, as work that does not end its child does."""
    return "child" if os.fork() == 0 else "parent"


class Unpicklable:
    """Cannot be serialized, because memory is exhausted."""

    def __reduce__(self) -> NoReturn:
        raise MemoryError


class Explosive:
    """Can be serialized, but not deserialized."""

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return fail, ()


class Deadly:
    """Kills the process that deserializes it."""

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        return kill_itself, ()


def return_unpicklable(_: object = None) -> Unpicklable:
    return Unpicklable()


def return_lambda(_: object = None) -> object:
    return lambda: None


def return_explosive(_: object = None) -> Explosive:
    return Explosive()


def return_large(_: object = None) -> bytes:
    return bytes(LARGE)


def call(fault: Callable[[], Any]) -> Any:
    """Call the item; work for a pool whose items are faults."""
    return fault()


class At:
    """Work that doubles numbers, with a fault at one of them."""

    def __init__(self, victim: int, fault: Callable[[], object], *, pause: float = 0.0) -> None:
        self.victim = victim
        self.fault = fault
        self.pause = pause

    def __call__(self, number: int) -> object:
        if number == self.victim:
            return self.fault()
        time.sleep(self.pause)
        return number * 2


class Times:
    """A fault that occurs a number of times, in any workers, and then no more."""

    def __init__(self, times: int, fault: Callable[[], object]) -> None:
        self.left = mmap.mmap(-1, mmap.PAGESIZE)
        self.left[0] = times
        self.fault = fault

    def __call__(self, _: object = None) -> object:
        if self.left[0]:
            self.left[0] -= 1
            return self.fault()
        return "spared"
