import os
import time
from collections.abc import Callable
from typing import Any

from forkresize.pool.shared import CurrentTask, SharedFlag


def test_what_a_child_notes_is_seen_by_its_parent() -> None:
    slot, flag = CurrentTask(), SharedFlag()
    assert slot.read() == (0, 0.0)
    assert not flag
    child = os.fork()
    if child == 0:
        slot.begin(2**40)
        flag.set()
        os._exit(0)
    os.waitpid(child, 0)
    number, since = slot.read()
    assert number == 2**40
    assert time.monotonic() - 60 < since <= time.monotonic()
    assert flag
    slot.close()


class Interleaved:
    """Memory of times whose reader is interrupted by the writer."""

    def __init__(self, write: Callable[[], object]) -> None:
        self.write = write
        self.value = 1.0

    def __getitem__(self, _: int) -> float:
        value, self.value = self.value, 2.0
        self.write()
        return value

    def release(self) -> None:
        pass


def test_a_number_is_never_seen_with_an_earlier_jobs_time() -> None:
    slot: Any = CurrentTask()
    numbers = slot._numbers  # noqa: SLF001  Torn reads can't be had otherwise.
    slot._times.release()  # noqa: SLF001
    slot._times = Interleaved(lambda: numbers.__setitem__(0, 2))  # noqa: SLF001
    numbers[0] = 1
    assert slot.read() == (2, 2.0)
    slot.close()
