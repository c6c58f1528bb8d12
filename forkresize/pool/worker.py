"""One forked worker: how it settles in, and its loop. Holds nothing that runs in the parent."""

import contextlib
import faulthandler
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from msgspec import Struct

from forkresize.pool import signals
from forkresize.pool.channel import GRANT, NO_SIGPIPE, WorkerChannel
from forkresize.pool.libc import Libc
from forkresize.pool.memory import CURRENT_MEMORY_CLIENT, Budget
from forkresize.pool.protocol import (
    MAX_PAYLOAD,
    TASK_HEADER,
    Failure,
    MessageType,
    WorkerMessage,
    encode_failure,
    encode_memory_request,
    encode_message,
)
from forkresize.pool.sandbox import Sandbox
from forkresize.pool.shared import SharedFlag
from forkresize.storage import FALLBACK_OPENER

_MALLOC_ALLOWANCE = 64 << 20
"""Bytes; a worker that may take so much without asking may keep what it likes of it."""


class WorkerConfig(Struct, frozen=True):
    """What is the same for all workers of a pool; inherited through the fork, never pickled.

    Attributes:
        work: what is done with every item.
        encode: makes bytes of what it returns.
        initializer: called once in a worker before its first job.
        stop: raised when no job may be started any more.
        libc: the C library.
        parent: process id of the pool's process.
        budget: the memory that the workers have together.
        nice: how much more than the pool's process the workers give way to others.
        sandbox: what the worker is held to; None for nothing.
    """

    work: Callable[[Any], object]
    encode: Callable[[Any], bytes]
    initializer: Callable[[], object] | None
    stop: SharedFlag
    libc: Libc
    parent: int
    budget: Budget
    nice: int = 0
    sandbox: Sandbox | None = None


def main(duty: WorkerConfig, station: WorkerChannel, mask: set[int], forget: Callable[[], object]) -> NoReturn:
    """Be a worker until the pool closes the pipe. Never returns into the parent's code, whose stack it inherited.

    Args:
        duty: what to do.
        station: what is shared with the pool.
        mask: the signal mask from before the fork.
        forget: closes what was inherited of the other workers.
    """
    status = 1
    try:
        duty.libc.die_with(duty.parent)
        station.near.close()
        station.lending.near.close()
        forget()
        _redirect(station)
        signals.install_worker_handlers(mask)
        duty.libc.reseed()
        _lower_priority(duty.nice)
        _apply_limits(duty)
        if _initialize(duty, station):
            _serve(duty, station)
        status = 0
    except (BrokenPipeError, ConnectionResetError):
        status = 0  # The pool has gone; nobody is left to tell.
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        # Not sys.exit: the parent's finally clauses, atexit functions and buffered output are the parent's.
        os._exit(status)


def _redirect(station: WorkerChannel) -> None:
    station.stderr.capture()
    if faulthandler.is_enabled():
        faulthandler.enable()  # Where it was, it would write to the parent's standard error.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)


def _lower_priority(nice: int) -> None:
    os.nice(nice)
    # A worker that is woken does not push the parent aside, for which all others wait. Where it is not allowed, or not
    # known, it is only slower.
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _apply_limits(duty: WorkerConfig) -> None:
    if duty.budget.allowance < _MALLOC_ALLOWANCE:
        duty.libc.keep_at_most(duty.budget.allowance)
    duty.budget.limit_address_space()


def _initialize(duty: WorkerConfig, station: WorkerChannel) -> bool:
    try:
        if duty.sandbox is not None:
            _enter(duty.sandbox, station)
        if duty.initializer is not None:
            duty.initializer()
    except BaseException as error:  # noqa: BLE001  SystemExit too.
        _send(
            station, WorkerMessage(MessageType.UNFIT, 0, 0.0, station.stderr.take(), encode_failure(Failure.of(error)))
        )
        return False
    station.stderr.take()
    return True


def _enter(sandbox: Sandbox, station: WorkerChannel) -> None:
    sandbox.enter()
    if sandbox.confinement.open_file is not None:
        FALLBACK_OPENER.set(partial(_request_file, station))


def _request_file(station: WorkerChannel, path: str) -> int:
    """Return the descriptor of a file that the kernel would not let this worker open."""
    number, _ = station.slot.read()
    _send(station, WorkerMessage(MessageType.WANTS, number, 0.0, b"", os.fsencode(path)))
    return station.lending.take(path)


def _serve(duty: WorkerConfig, station: WorkerChannel) -> None:
    # Not makefile, which reads by way of Python code.
    read = open(station.far.fileno(), "rb", closefd=False).read  # noqa: SIM115  For as long as it lives.
    myself = os.getpid()
    reservation = MemoryClient(duty, station)
    CURRENT_MEMORY_CLIENT.set(reservation)
    _send(station, WorkerMessage(MessageType.FIT, 0, 0.0, b"", b""))
    while header := read(TASK_HEADER.size):
        number, size = TASK_HEADER.unpack(header)
        # Before the item is read: should that be what kills, this job is to blame.
        since = station.slot.begin(number)
        item = read(size)
        if duty.stop:
            kind, payload = MessageType.DECLINED, b""
        else:
            kind, payload = _perform(duty, item)
        _exit_if_forked(myself)
        seconds = time.monotonic() - since - reservation.end()
        _send(station, WorkerMessage(kind, number, seconds, station.stderr.take(), payload))


class MemoryClient:
    """How the jobs of one worker reserve memory: they ask the pool's process, unless it is too little to ask for."""

    def __init__(self, duty: WorkerConfig, station: WorkerChannel) -> None:
        self._duty = duty
        self._station = station
        self._asked = False
        self._waited = 0.0

    def __call__(self, need: int) -> None:
        """Wait until a job's memory is free. See Reserve."""
        self._duty.budget.check(need)
        if need <= self._duty.budget.allowance:
            return
        started = time.monotonic()
        number, _ = self._station.slot.read()
        self._asked = True
        _send(self._station, WorkerMessage(MessageType.RESERVES, number, 0.0, b"", encode_memory_request(need)))
        if not self._station.lending.far.recv(len(GRANT)):
            raise BrokenPipeError
        self._waited += time.monotonic() - started

    def end(self) -> float:
        """Take note that the job has ended; return the seconds that it waited."""
        if not self._asked:
            return 0.0
        # Others take the answer for a sign that what it had is free.
        self._duty.libc.give_back()
        waited, self._waited, self._asked = self._waited, 0.0, False
        return waited


def _perform(duty: WorkerConfig, item: bytes) -> tuple[MessageType, bytes]:
    try:
        # The pool itself pickled the item.
        return MessageType.RETURNED, _check_size(duty.encode(duty.work(pickle.loads(item))))  # noqa: S301
    except BaseException as error:  # noqa: BLE001  SystemExit and KeyboardInterrupt are the job's failure, no more.
        return MessageType.RAISED, encode_failure(Failure.of(error))


def _check_size(payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"the result takes {len(payload)} bytes, more than the {MAX_PAYLOAD} that can be sent")
    return payload


def _exit_if_forked(worker: int) -> None:
    if os.getpid() != worker:
        os._exit(0)  # The work forked, and this is its child: the answer is not its to give.


def _send(station: WorkerChannel, report: WorkerMessage) -> None:
    station.far.sendall(encode_message(report), NO_SIGPIPE)
