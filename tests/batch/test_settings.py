import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.batch import MaxErrors, Settings
from forkresize.pool import PoolOptions, default_budget


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_a_number_of_failures_is_reached(limit: int, failed: int, fine: int) -> None:
    assert MaxErrors(limit).reached(failed, failed + fine) == (failed >= limit)


@pytest.mark.parametrize(
    ("failed", "ended", "reached"),
    [(0, 0, False), (1, 1, False), (19, 19, False), (1, 20, True), (0, 100, False), (4, 100, False), (5, 100, True)],
)
def test_a_percentage_is_checked_after_twenty_outcomes(failed: int, ended: int, reached: bool) -> None:
    assert MaxErrors(5, percent=True).reached(failed, ended) is reached


def test_the_memory_of_a_picture_is_limited_by_the_budget_and_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Settings(pool=PoolOptions(memory=10**8))
    assert (Settings().memory, small.memory, Settings(serial=True).memory) == (default_budget(), 10**8, None)
    monkeypatch.setattr(resource, "getrlimit", lambda _limit: (7 * 10**7, resource.RLIM_INFINITY))
    assert {Settings().memory, small.memory, Settings(serial=True).memory} == {7 * 10**7}
