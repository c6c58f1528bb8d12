from forkresize.batch.deadline import Deadline


def test_it_passes_when_its_time_is_over() -> None:
    now = 100.0
    deadline = Deadline(5.0, lambda: now)
    assert (deadline.left, deadline.passed, deadline.elapsed) == (5.0, False, 0.0)
    now = 104.0
    assert (deadline.left, deadline.passed) == (1.0, False)
    now = 107.0
    assert (deadline.left, deadline.passed, deadline.elapsed) == (0.0, True, 7.0)


def test_without_a_time_it_never_passes() -> None:
    now = 0.0
    deadline = Deadline(None, lambda: now)
    now = 1e9
    assert (deadline.left, deadline.passed, deadline.elapsed) == (None, False, 1e9)
