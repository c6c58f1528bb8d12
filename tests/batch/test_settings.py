import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.batch import MaxErrors


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_a_number_of_failures_is_reached(limit: int, failed: int, fine: int) -> None:
    assert MaxErrors(limit).reached(failed, failed + fine) == (failed >= limit)


@pytest.mark.parametrize(
    ("failed", "ended", "reached"),
    [(0, 0, False), (1, 1, False), (19, 19, False), (1, 20, True), (0, 100, False), (4, 100, False), (5, 100, True)],
)
def test_a_percentage_is_checked_after_twenty_outcomes(failed: int, ended: int, reached: bool) -> None:
    assert MaxErrors(5, percent=True).reached(failed, ended) is reached
