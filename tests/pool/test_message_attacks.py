"""Messages that take the memory or the time of the pool's process: their worker is killed, and one task is blamed."""

import itertools
import os
import pickle
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import msgspec
import pytest

from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.pool import (
    Completed,
    LossReason,
    Pool,
    PoolOptions,
    Raised,
    Serializer,
    TaskResult,
    WorkerLost,
    reserve,
)
from forkresize.pool.options import PICKLE
from forkresize.pool.protocol import (
    MAX_PAYLOAD,
    MESSAGE_RULES,
    MessageType,
    WorkerMessage,
    encode_memory_request,
    encode_message,
)
from forkresize.pool.shared import SharedFlag

TASKS = 12
VICTIM = 5
NUMBER = VICTIM + 1
HEADER = struct.Struct("=BQddIQ")

MOST_MEMORY = 24 << 20
"""Bytes by which the pool's process may grow at any time."""

MOST_SECONDS = 4.0
"""Processor time that messages may cost it."""

NUMBERS = Serializer(msgspec.json.encode, msgspec.json.Decoder(int).decode, validates=True, max_bytes=1 << 16)
"""Results that are checked."""

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures by /proc"),
]

Run = Callable[..., list[TaskResult[Any, Any]]]


@contextmanager
def stays_small_and_quick() -> Iterator[None]:
    """Fail if the block takes much memory in this process, for however short a time, or much of its time."""
    Path("/proc/self/clear_refs").write_text("5")  # Resets the peak.
    before, began = memory("VmRSS"), time.process_time()
    yield
    assert time.process_time() - began < MOST_SECONDS
    assert memory("VmHWM") - before < MOST_MEMORY


def memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def only_the_victim_is_lost(
    attack: Callable[[], object], run: Run, faults: ModuleType, **options: Any
) -> WorkerLost[int]:
    """Attack in one task; return its result, having checked that all others are done."""

    def attack_and_hang() -> None:
        attack()
        faults.hang()

    with stays_small_and_quick():
        results = run(faults.At(VICTIM, attack_and_hang), range(TASKS), **options)
    victim = results.pop(VICTIM)
    assert [result.result for result in results] == [number * 2 for number in range(TASKS) if number != VICTIM]  # type: ignore[union-attr]
    assert isinstance(victim, WorkerLost), victim
    return victim


def message(kind: MessageType, payload: bytes, number: int = NUMBER) -> bytes:
    return encode_message(WorkerMessage(kind, number, 0.0, b"", payload))


TOO_LARGE = {
    "text of a failure": (MessageType.RAISED, b'["' + b"\\u0001" * (10 << 20) + b'",""]'),
    "failure of a million parts": (MessageType.RAISED, b"[" + b"[]," * (20 << 20) + b"[]]"),
    "path of a file": (MessageType.OPEN_FILE, b"/x" * (20 << 20)),
    "request for memory": (MessageType.RESERVE_MEMORY, bytes(40 << 20)),
    "request for files": (MessageType.SEND_FILES, bytes(40 << 20)),
    "result": (MessageType.RETURNED, b"1" * (40 << 20)),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_message_that_is_too_large_for_its_kind_is_refused_by_its_header(
    kind: str, run: Run, faults: ModuleType
) -> None:
    def send_too_much() -> None:
        faults.send_to_the_pool(message(*TOO_LARGE[kind]))

    victim = only_the_victim_is_lost(send_too_much, run, faults, serializer=NUMBERS)
    assert victim.reason is LossReason.PROTOCOL_VIOLATION


INVALID = {
    "no number": b'"x"',
    "no JSON": b"\xff\xfe",
    "nothing": b"",
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "number of 60,000 digits": b"1" * 60_000,
}


@pytest.mark.parametrize("payload", INVALID)
def test_result_that_a_validating_serializer_refuses_is_a_protocol_violation(
    payload: str, run: Run, faults: ModuleType
) -> None:
    def lie() -> None:
        faults.send_to_the_pool(message(MessageType.RETURNED, INVALID[payload]))

    victim = only_the_victim_is_lost(lie, run, faults, serializer=NUMBERS)
    assert victim.reason is LossReason.PROTOCOL_VIOLATION


@pytest.mark.parametrize("payload", [pickle.dumps(7), b"", b"\x92\xa1\xff\xa1x", b"\x91" * 30_000, b"\x93\xa0\xa0\xa0"])
def test_failure_that_is_not_two_texts_is_a_protocol_violation(payload: bytes, run: Run, faults: ModuleType) -> None:
    def lie() -> None:
        faults.send_to_the_pool(message(MessageType.RAISED, payload))

    assert only_the_victim_is_lost(lie, run, faults).reason is LossReason.PROTOCOL_VIOLATION


OUTCOME = b'[%s,{"status":"failed","reason":"damaged"},[%s]]'
HOSTILE_OUTCOMES = {
    "warnings without text": b"[" + OUTCOME % (b"0", b",".join([b'""'] * 340_000)) + b"]",
    "short warnings": b"[" + OUTCOME % (b"0", b",".join(b'"%x"' % number for number in range(130_000))) + b"]",
    "outputs": b"[" + b",".join([OUTCOME % (b"null", b"")] * 20_000) + b"]",
    "one long warning": b"[" + OUTCOME % (b"0", b'"' + b"\\u0416" * 170_000 + b'"') + b"]",
}


@pytest.mark.parametrize("payload", HOSTILE_OUTCOMES)
def test_largest_hostile_outcomes_take_little_memory(payload: str, faults: ModuleType) -> None:
    data = HOSTILE_OUTCOMES[payload]
    assert len(data) <= OUTCOME_SERIALIZER.max_bytes

    def lie(_: int) -> None:
        faults.send_to_the_pool(message(MessageType.RETURNED, data, 1))
        faults.hang()

    options = PoolOptions(workers=1, serializer=OUTCOME_SERIALIZER)
    with stays_small_and_quick(), Pool(lie, options=options) as pool:
        (result,) = pool.imap_unordered([0])
    assert result.attempts == 1


FLOODS = {
    "requests for memory": message(MessageType.RESERVE_MEMORY, encode_memory_request(1)),
    "requests for a file": message(MessageType.OPEN_FILE, b"/etc/passwd"),
    "announcements that it is ready": message(MessageType.READY, b"", 0),
    "requests for files that its task does not have": message(MessageType.SEND_FILES, b""),
}


@pytest.mark.parametrize("frames", FLOODS)
def test_worker_that_sends_the_same_message_without_end_is_killed(frames: str, run: Run, faults: ModuleType) -> None:
    def flood() -> None:
        while True:
            faults.send_to_the_pool(FLOODS[frames] * 500)

    assert only_the_victim_is_lost(flood, run, faults).reason is LossReason.PROTOCOL_VIOLATION


@pytest.mark.parametrize("kind", [MessageType.RETURNED, MessageType.RAISED])
def test_worker_that_sends_results_without_end_costs_one_task_at_most(
    kind: MessageType, run: Run, faults: ModuleType
) -> None:
    def flood() -> NoReturn:
        while True:
            faults.send_to_the_pool(message(kind, b"1" if kind == MessageType.RETURNED else b"\x92\xa0\xa0") * 500)

    with stays_small_and_quick():
        results = run(faults.At(VICTIM, flood), range(TASKS), workers=1, serializer=NUMBERS)
    # It may respond for its task. The next response is invalid, and costs the task that it was given in between.
    lost = [(result.item, result.reason) for result in results if isinstance(result, WorkerLost)]
    assert lost in ([], [(VICTIM + 1, LossReason.PROTOCOL_VIOLATION)])
    assert [result.item for result in results] == list(range(TASKS))


def test_memory_beyond_the_budget_is_never_reserved(run: Run, faults: ModuleType) -> None:
    for size in (1 << 62, (1 << 64) - 1):

        def ask(size: int = size) -> None:
            faults.send_to_the_pool(message(MessageType.RESERVE_MEMORY, encode_memory_request(size)))

        assert only_the_victim_is_lost(ask, run, faults).reason is LossReason.PROTOCOL_VIOLATION


def test_request_for_memory_while_another_one_waits_is_a_protocol_violation(run: Run, faults: ModuleType) -> None:
    size = 300 << 20
    reserved = SharedFlag()

    def work(number: int) -> None:
        if number == 0:
            reserve(size)
            reserved.set()
            time.sleep(1)
            return
        deadline = time.monotonic() + 20
        while not reserved and time.monotonic() < deadline:
            time.sleep(0.001)
        request = message(MessageType.RESERVE_MEMORY, encode_memory_request(size), number=2)
        faults.send_to_the_pool(request * 2)
        faults.hang()

    for_one = 2 * memory("VmRSS") + size + (200 << 20)
    first, second = run(work, [0, 1], memory=for_one)
    assert isinstance(first, Completed)
    assert getattr(second, "reason", None) is LossReason.PROTOCOL_VIOLATION


@pytest.mark.parametrize("size", [10, HEADER.size + 30_000])
def test_partial_message_that_never_ends_takes_only_its_bytes_until_the_deadline(
    size: int, run: Run, faults: ModuleType
) -> None:
    start = (HEADER.pack(MessageType.RETURNED, NUMBER, 0.0, 0.0, 0, MAX_PAYLOAD) + bytes(size))[:size]

    def send_a_part() -> NoReturn:
        faults.send_to_the_pool(start)
        for _ in itertools.count():
            if size > HEADER.size:
                faults.send_to_the_pool(b"x")
            time.sleep(0.001)
        raise AssertionError

    victim = only_the_victim_is_lost(send_a_part, run, faults, timeout=1, serializer=PICKLE)
    assert victim.reason is LossReason.TIMED_OUT


def test_honest_failure_of_any_size_is_reported(run: Run) -> None:
    def fail(_: int) -> NoReturn:
        raise ValueError("<" + "x\udcff\x01" * 10_000_000 + ">")

    with stays_small_and_quick():
        (result,) = run(fail, [0])
    assert isinstance(result, Raised)
    assert result.error.startswith("ValueError: <x")
    assert result.error.endswith(">")
    assert "Traceback" in result.traceback
    assert len(result.traceback) <= MESSAGE_RULES[MessageType.RAISED].payload


def test_files_sent_beside_messages_are_not_kept(run: Run, faults: ModuleType) -> None:
    def send_files() -> None:
        for descriptor in faults.find_sockets():
            for _ in range(100):
                with open(os.devnull, "rb") as file, socket.socket(fileno=os.dup(descriptor)) as end:
                    socket.send_fds(end, [b"x"], [file.fileno()] * 100)

    assert only_the_victim_is_lost(send_files, run, faults).reason is LossReason.PROTOCOL_VIOLATION
