"""A decoder that was taken over by its picture costs that picture, and the parent neither memory nor time."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, JpegImagePlugin

from forkresize import Failed, Outcome, PoolOptions, Reason, Recipe, Settings, run
from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.outcome import Written
from forkresize.pool.client import WorkerClient
from forkresize.pool.protocol import MessageType, WorkerMessage, encode_message
from forkresize.pool.system import resident_memory
from tests.protocols import Draw

VICTIM = (61, 47)
"""The size of the picture whose decoder is hostile."""

MIB = 1 << 20
MOST_MEMORY = 32 * MIB

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures by /proc"),
]

KEPT: list[Any] = []


def keep_memory() -> None:
    with contextlib.suppress(MemoryError):
        while True:
            KEPT.append(bytearray(b"x") * MIB)


def start_threads() -> None:
    threading.stack_size(32 << 10)
    with contextlib.suppress(RuntimeError, MemoryError):
        while True:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def fail_at_length() -> None:
    raise ValueError("x" * (50 * MIB))


def send(kind: MessageType, payload: bytes) -> None:
    client = WorkerClient.current
    assert client is not None
    number, _ = client._channel.current.read()  # noqa: SLF001  That is the attack.
    client._channel.worker_end.sendall(encode_message(WorkerMessage(kind, number, 0.0, b"", payload)))  # noqa: SLF001


def send_large_failure() -> None:
    send(MessageType.RAISED, b"[" + b"[]," * (4 * MIB) + b"[]]")


def send_large_response() -> None:
    send(MessageType.RETURNED, b"[" * (OUTCOME_SERIALIZER.max_bytes + 1))


def send_deep_response() -> None:
    send(MessageType.RETURNED, b"[" * OUTCOME_SERIALIZER.max_bytes)


def ask_without_end() -> None:
    while True:
        send(MessageType.OPEN_FILE, b"/etc/passwd")


EXPECTED: dict[Callable[[], None], tuple[Reason, str]] = {
    keep_memory: (Reason.MEMORY_LIMIT, "its share is"),
    start_threads: (Reason.PROTOCOL_VIOLATION, "threads, more than"),
    fail_at_length: (Reason.DAMAGED, "xxxx"),
    send_large_failure: (Reason.PROTOCOL_VIOLATION, "invalid message"),
    send_large_response: (Reason.PROTOCOL_VIOLATION, "invalid message"),
    send_deep_response: (Reason.PROTOCOL_VIOLATION, "invalid message"),
    ask_without_end: (Reason.PROTOCOL_VIOLATION, "invalid message"),
}


def memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


@pytest.mark.parametrize("attack", EXPECTED, ids=lambda attack: attack.__name__)
def test_hostile_decoder_costs_only_its_own_picture(
    attack: Callable[[], None], tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        draw(tmp_path / f"in/{number}.jpg", seed=number, size=VICTIM if number == 2 else (80, 60))
    load = JpegImagePlugin.JpegImageFile.load

    def load_or_attack(image: JpegImagePlugin.JpegImageFile) -> Any:
        if image.size == VICTIM and WorkerClient.current is not None:
            attack()
            time.sleep(60)
        return load(image)

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", load_or_attack)
    pool = PoolOptions(workers=2, retries=0, memory=2 * ((resident_memory() or 0) + 64 * MIB))
    outcomes: list[Outcome] = []
    Image.init()
    Path("/proc/self/clear_refs").write_text("5")  # Resets the peak.
    before, began = memory("VmRSS"), time.monotonic()
    settings = Settings(pool=pool)
    run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=16), settings=settings, observers=[outcomes.append])
    assert memory("VmHWM") - before < MOST_MEMORY
    assert time.monotonic() - began < 30
    details = {outcome.source.relative: outcome.detail for outcome in outcomes}
    victim = details.pop("2.jpg")
    assert isinstance(victim, Failed), victim
    reason, text = EXPECTED[attack]
    assert victim.reason is reason
    assert text in victim.error
    assert len(details) == 5
    assert all(isinstance(detail, Written) for detail in details.values())
