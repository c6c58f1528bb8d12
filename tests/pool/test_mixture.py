from collections import Counter
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkresize.pool import Completed, Pool, PoolOptions, Raised, TaskResult, WorkerLost

KINDS = {
    "double": "Completed",
    "fail": "Raised",
    "sys_exit": "Raised",
    "return_unpicklable": "Raised",
    "kill_itself": "SIGKILL",
    "terminate_itself": "SIGTERM",
    "exit_hard": "exit 3",
}


def kind(answer: TaskResult[tuple[int, str], object]) -> str:
    match answer:
        case Completed():
            return "Completed"
        case Raised():
            return "Raised"
        case WorkerLost():
            return answer.signal or f"exit {answer.exit_code}"


@pytest.mark.timeout(120)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(st.sampled_from([*KINDS, "double", "double"]), max_size=12),
    workers=st.integers(1, 5),
    retries=st.integers(0, 2),
    max_tasks=st.integers(0, 3),
)
def test_whatever_the_mixture_every_job_is_answered_once_with_what_became_of_it(
    faults: ModuleType, jobs: list[str], workers: int, retries: int, max_tasks: int
) -> None:
    def work(item: tuple[int, str]) -> object:
        number, name = item
        return getattr(faults, name)(number)

    options = PoolOptions(workers=workers, retries=retries, max_tasks=max_tasks)
    with Pool(work, options=options) as pool:
        answers = list(pool.imap_unordered(enumerate(jobs)))
    assert Counter(answer.item for answer in answers) == Counter(enumerate(jobs))
    assert {answer.item: kind(answer) for answer in answers} == {(n, job): KINDS[job] for n, job in enumerate(jobs)}
    assert {answer.attempts for answer in answers if isinstance(answer, WorkerLost)} <= {retries + 1}
    assert {answer.attempts for answer in answers if not isinstance(answer, WorkerLost)} <= {1}
