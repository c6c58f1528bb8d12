import os
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

from forkresize.pool import Completed, Pool, PoolOptions


def niceness(_: object) -> int:
    return os.nice(0)


def test_workers_give_way_as_much_as_they_are_told() -> None:
    mine = os.nice(0)
    with Pool(niceness, options=PoolOptions(workers=1, nice=3)) as pool:
        (answer,) = pool.imap_unordered([0])
    assert isinstance(answer, Completed)
    assert answer.result == min(mine + 3, 19)
    assert os.nice(0) == mine


def test_when_its_life_is_over_what_runs_is_answered_and_no_more_is_begun() -> None:
    with Pool(time.sleep, options=PoolOptions(workers=2, stop_after=0.5)) as pool:
        answers = list(pool.imap_unordered([0.8] * 20))
    assert [type(answer) for answer in answers] == [Completed, Completed]
    assert pool.interrupted is None


def test_a_life_of_no_time_begins_at_most_what_was_handed_out() -> None:
    def items() -> Iterator[float]:
        while True:
            yield 0.01

    with Pool(time.sleep, options=PoolOptions(workers=2, stop_after=0.0)) as pool:
        assert len(list(pool.imap_unordered(items()))) <= 4


def test_a_life_that_is_long_enough_changes_nothing(faults: ModuleType) -> None:
    with Pool(faults.double, options=PoolOptions(workers=2, stop_after=60)) as pool:
        assert len(list(pool.imap_unordered(range(50)))) == 50


@pytest.mark.parametrize("options", [{"stop_after": -1.0}, {"nice": 20}, {"nice": -1}])
def test_numbers_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        PoolOptions(**options)  # type: ignore[arg-type]
