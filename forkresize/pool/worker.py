"""A forked worker: its start and its loop. Nothing here runs in the parent."""

import contextlib
import faulthandler
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from io import FileIO
from typing import Any, NoReturn

from msgspec import Struct

from forkresize.pool import signals
from forkresize.pool.channel import WorkerChannel
from forkresize.pool.client import WorkerClient
from forkresize.pool.files import MAX_FILES, WithFiles, close_files, seal
from forkresize.pool.libc import Libc
from forkresize.pool.memory import Budget
from forkresize.pool.options import Serializer
from forkresize.pool.protocol import TASK_HEADER, Failure, MessageType, encode_failure
from forkresize.pool.sandbox import Sandbox
from forkresize.pool.shared import SharedFlag

_MALLOC_CACHE = 128 << 20
"""Bytes of freed memory that a worker keeps, if its allowance is not smaller: enough for what most photographs take.

With 64 MiB, half of the photographs of 4 to 15 megapixels cost thousands of page faults, a tenth of their CPU time.
"""


class WorkerConfig(Struct, frozen=True):
    """What all workers of a pool have in common; inherited through the fork, never pickled."""

    work: Callable[[Any], object]
    decode: Callable[[bytes | bytearray], Any]
    results: Serializer
    initializer: Callable[[], object] | None
    stop: SharedFlag
    libc: Libc
    parent: int
    budget: Budget
    nice: int = 0
    sandbox: Sandbox | None = None


def run_worker(
    config: WorkerConfig, channel: WorkerChannel, mask: set[int], close_inherited: Callable[[], object]
) -> NoReturn:
    """Run a worker until the pool closes its channel. Never returns into the code of the parent, whose stack it has."""
    status = 1
    try:
        config.libc.set_parent_death_signal(config.parent)
        channel.parent_end.close()
        channel.files.parent_end.close()
        close_inherited()
        _redirect(channel)
        signals.install_worker_handlers(mask)
        config.libc.reseed_rand()
        _lower_priority(config.nice)
        _apply_limits(config)
        client = WorkerClient(channel, config.budget, config.libc)
        if _initialize(config, channel, client):
            _serve(config, channel, client)
        status = 0
    except (BrokenPipeError, ConnectionResetError):
        status = 0  # The pool's process has ended.
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        # Not sys.exit: finally clauses, atexit functions and buffered output belong to the parent.
        os._exit(status)


def _redirect(channel: WorkerChannel) -> None:
    channel.stderr.capture()
    if faulthandler.is_enabled():
        faulthandler.enable()  # It would write to the parent's standard error.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)


def _lower_priority(nice: int) -> None:
    os.nice(nice)
    # SCHED_BATCH keeps a woken worker from preempting the parent, which would stall all others. Best effort: not every
    # platform has it or allows it.
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _apply_limits(config: WorkerConfig) -> None:
    config.libc.limit_malloc_cache(min(_MALLOC_CACHE, config.budget.allowance))
    config.budget.limit_address_space()
    if config.sandbox is not None:
        config.budget.limit_files()


def _initialize(config: WorkerConfig, channel: WorkerChannel, client: WorkerClient) -> bool:
    WorkerClient.current = client
    try:
        if config.sandbox is not None:
            config.sandbox.apply()
        if config.initializer is not None:
            config.initializer()
    except BaseException as error:  # noqa: BLE001  SystemExit too.
        client.send(MessageType.INIT_FAILED, payload=encode_failure(Failure.of(error)))
        return False
    channel.stderr.drain()
    return True


def _serve(config: WorkerConfig, channel: WorkerChannel, client: WorkerClient) -> None:
    # Not makefile, whose reads run Python code.
    read = open(channel.worker_end.fileno(), "rb", closefd=False).read  # noqa: SIM115
    pid = os.getpid()
    client.send(MessageType.READY)
    while header := read(TASK_HEADER.size):
        number, size, files = TASK_HEADER.unpack(header)
        # Before the item is read: if decoding it kills the worker, this task is to blame.
        since = channel.current.set(number)
        item = read(size)
        opened: list[WithFiles[Any]] = []
        if config.stop:
            kind, payload = MessageType.NOT_STARTED, b""
        else:
            kind, payload = _perform(config, client, WithFiles(item, ()) if files else item, opened)
        _exit_if_forked(pid)
        seconds = time.monotonic() - since - client.finish_task()
        if kind is MessageType.RETURNED_FILES:
            channel.files.send_result(opened[-1].files)
        client.send(kind, number, seconds, payload, since)
        for each in opened:
            close_files(each)


def _perform(
    config: WorkerConfig, client: WorkerClient, data: bytes | WithFiles[bytes], opened: list[WithFiles[Any]]
) -> tuple[MessageType, bytes]:
    """Return the type and payload of the task's message; an item and a result with files are added to ``opened``."""
    try:
        if isinstance(data, WithFiles):
            item = WithFiles(config.decode(data.value), client.receive_files())
            opened.append(item)
        else:
            item = config.decode(data)
        result = config.work(item)
        if not isinstance(result, WithFiles):
            return MessageType.RETURNED, _encode(result, config.results)
        opened.append(result)
        _seal_all(result.files)
        kind = MessageType.RETURNED_FILES if result.files else MessageType.RETURNED
        return kind, _encode(result.value, config.results)
    except BaseException as error:  # noqa: BLE001  SystemExit and KeyboardInterrupt are failures of the task.
        return MessageType.RAISED, encode_failure(Failure.of(error))


def _encode(result: Any, serializer: Serializer) -> bytes:
    payload = serializer.encode(result)
    if len(payload) > serializer.max_bytes:
        raise ValueError(
            f"the result takes {len(payload)} bytes, more than the {serializer.max_bytes} that can be sent"
        )
    return payload


def _seal_all(files: Sequence[FileIO]) -> None:
    if len(files) > MAX_FILES:
        raise ValueError(f"{len(files)} files with one result, more than {MAX_FILES}")
    for file in files:
        seal(file)


def _exit_if_forked(worker: int) -> None:
    if os.getpid() != worker:
        os._exit(0)  # The work forked, and this is its child: only the worker itself may send the result.
