import pytest

from forkresize.pool.backlog import MAX_TASKS, MIN_TASKS, Backlog


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [
        (1e-6, MAX_TASKS),
        (0.0005, MAX_TASKS),
        (0.002, 16),
        (0.0159, MIN_TASKS),
        (0.1, MIN_TASKS),
        (0.0, MAX_TASKS),
    ],
)
def test_worker_holds_as_many_tasks_as_it_does_in_32_ms(seconds: float, limit: int) -> None:
    work = Backlog()
    assert (work.limit, work.pause) == (MIN_TASKS, 0.0)
    for _ in range(5):
        work.add(seconds)
    assert work.limit == limit
    assert work.pause == (0 if limit == MIN_TASKS else limit * seconds / 2)


def test_backlog_follows_when_tasks_become_longer_or_shorter() -> None:
    work = Backlog()
    work.add(1.0)
    for _ in range(100):
        work.add(0.001)
    assert 16 <= work.limit <= MAX_TASKS
    work.add(1.0)
    assert work.limit == MIN_TASKS


def test_tasks_with_files_do_not_gather() -> None:
    work = Backlog()
    work.add(1e-6, has_files=True)
    work.add(1e-6)
    assert (work.limit, work.pause) == (MIN_TASKS, 0.0)
