import os
import time
from collections.abc import Callable
from typing import Any

from forkresize.pool.shared import CurrentTask, SharedFlag


def test_parent_sees_what_a_child_writes() -> None:
    current, flag = CurrentTask(), SharedFlag()
    assert current.read() == (0, 0.0)
    assert not flag
    child = os.fork()
    if child == 0:
        current.set(2**40)
        flag.set()
        os._exit(0)
    os.waitpid(child, 0)
    number, since = current.read()
    assert number == 2**40
    assert time.monotonic() - 60 < since <= time.monotonic()
    assert flag
    current.close()


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


def test_task_number_is_never_read_with_an_earlier_time() -> None:
    current: Any = CurrentTask()
    numbers = current._numbers  # noqa: SLF001  A torn read cannot be caused otherwise.
    current._times.release()  # noqa: SLF001
    current._times = Interleaved(lambda: numbers.__setitem__(0, 2))  # noqa: SLF001
    numbers[0] = 1
    assert current.read() == (2, 2.0)
    current.close()
