from collections import Counter
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkresize.pool import Completed, Pool, PoolOptions, Raised, TaskResult, WorkerLost

pytestmark = pytest.mark.slow

KINDS = {
    "double": "Completed",
    "fail": "Raised",
    "sys_exit": "Raised",
    "return_unpicklable": "Raised",
    "kill_itself": "SIGKILL",
    "terminate_itself": "SIGTERM",
    "exit_hard": "exit 3",
}


def kind(result: TaskResult[tuple[int, str], object]) -> str:
    match result:
        case Completed():
            return "Completed"
        case Raised():
            return "Raised"
        case WorkerLost():
            return result.signal or f"exit {result.exit_code}"


@pytest.mark.slow
@pytest.mark.timeout(120)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tasks=st.lists(st.sampled_from([*KINDS, "double", "double"]), max_size=12),
    workers=st.integers(1, 5),
    retries=st.integers(0, 2),
    max_tasks=st.integers(0, 3),
)
def test_every_task_of_a_random_mixture_has_exactly_its_result(
    faults: ModuleType, tasks: list[str], workers: int, retries: int, max_tasks: int
) -> None:
    def work(item: tuple[int, str]) -> object:
        number, name = item
        return getattr(faults, name)(number)

    options = PoolOptions(workers=workers, retries=retries, max_tasks=max_tasks)
    with Pool(work, options=options) as pool:
        results = list(pool.imap_unordered(enumerate(tasks)))
    assert Counter(result.item for result in results) == Counter(enumerate(tasks))
    assert {result.item: kind(result) for result in results} == {(n, task): KINDS[task] for n, task in enumerate(tasks)}
    assert {result.attempts for result in results if isinstance(result, WorkerLost)} <= {retries + 1}
    assert {result.attempts for result in results if not isinstance(result, WorkerLost)} <= {1}
