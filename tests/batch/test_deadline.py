"""Deadlines, with a fake clock."""

from forkresize.batch.deadline import Deadline


def test_a_deadline_expires_when_its_time_is_over() -> None:
    now = 100.0
    deadline = Deadline(5.0, lambda: now)
    assert (deadline.remaining, deadline.expired, deadline.elapsed) == (5.0, False, 0.0)
    now = 104.0
    assert (deadline.remaining, deadline.expired) == (1.0, False)
    now = 107.0
    assert (deadline.remaining, deadline.expired, deadline.elapsed) == (0.0, True, 7.0)


def test_a_deadline_without_a_limit_never_expires() -> None:
    now = 0.0
    deadline = Deadline(None, lambda: now)
    now = 1e9
    assert (deadline.remaining, deadline.expired, deadline.elapsed) == (None, False, 1e9)
