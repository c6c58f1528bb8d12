import mmap
import os
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

from forkresize.errors import FieldError
from forkresize.pool import Completed, Pool, PoolOptions


def niceness(_: object) -> int:
    return os.nice(0)


def test_nice_is_added_to_the_workers() -> None:
    mine = os.nice(0)
    with Pool(niceness, options=PoolOptions(workers=1, nice=3)) as pool:
        (result,) = pool.imap_unordered([0])
    assert isinstance(result, Completed)
    assert result.result == min(mine + 3, 19)
    assert os.nice(0) == mine


@pytest.mark.slow
def test_running_tasks_finish_and_none_start_after_stop_after() -> None:
    started = mmap.mmap(-1, mmap.PAGESIZE)

    def work(number: int) -> None:
        started[number] = 1
        time.sleep(1.2)

    with Pool(work, options=PoolOptions(workers=2, stop_after=1.0)) as pool:
        results = list(pool.imap_unordered(range(20)))
    assert {type(result) for result in results} == {Completed}
    # On a machine with too much work, the second worker starts after that.
    assert 1 <= len(results) <= 2
    assert sum(started[:20]) == len(results)
    assert pool.interrupted is None


def test_stop_after_0_runs_only_prefetched_tasks() -> None:
    def items() -> Iterator[float]:
        while True:
            yield 0.01

    with Pool(time.sleep, options=PoolOptions(workers=2, stop_after=0.0)) as pool:
        assert len(list(pool.imap_unordered(items()))) <= 4


def test_long_stop_after_has_no_effect(faults: ModuleType) -> None:
    with Pool(faults.double, options=PoolOptions(workers=2, stop_after=60)) as pool:
        assert len(list(pool.imap_unordered(range(50)))) == 50


@pytest.mark.parametrize("options", [{"stop_after": -1.0}, {"nice": 20}, {"nice": -1}])
def test_options_out_of_range_raise_field_error(options: dict[str, int]) -> None:
    with pytest.raises(FieldError, match=next(iter(options))):
        PoolOptions(**options)  # type: ignore[arg-type]
