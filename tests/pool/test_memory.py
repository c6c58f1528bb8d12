import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.pool import (
    Completed,
    LossReason,
    Pool,
    PoolOptions,
    Raised,
    TaskResult,
    WorkerLost,
    default_budget,
    reserve,
)
from forkresize.pool import memory as pool_memory
from forkresize.pool.memory import MIN_MEMORY, AdmissionController, Budget, format_bytes
from forkresize.pool.system import memory_limit, resident_memory, total_memory

Run = Callable[..., list[TaskResult[Any, Any]]]
Wait = Callable[[Callable[[], object]], None]

MIB = 1 << 20
LARGE = 300 * MIB
TOTAL = 512 * MIB

pytestmark = pytest.mark.timeout(60)


def above_idle(workers: int) -> int:
    """Return the budget that leaves TOTAL to the tasks, however large this process is."""
    return TOTAL + workers * (resident_memory() or 0)


class FakeWorker:
    def __init__(self) -> None:
        self.admitted = False

    def grant_memory(self) -> None:
        assert not self.admitted
        self.admitted = True


def crowd(count: int, room: int) -> tuple[AdmissionController, list[FakeWorker]]:
    budget = Budget(room, count)
    budget.allowance, budget.shared = 0, room
    return AdmissionController(budget), [FakeWorker() for _ in range(count)]


@given(
    needs=st.lists(st.integers(0, 150), min_size=1, max_size=20),
    order=st.randoms(use_true_random=False),
)
def test_admitted_reservations_fit_or_are_alone_and_keep_their_order(needs: list[int], order: Any) -> None:
    admission, workers = crowd(len(needs), 100)
    need_of = dict(zip(workers, needs, strict=True))
    for worker, need in need_of.items():
        admission.reserve(worker, need)
    turns: list[FakeWorker] = []
    running: list[FakeWorker] = []
    while len(turns) < len(workers) or running:
        started = [worker for worker in workers if worker.admitted and worker not in turns]
        turns += started
        running += started
        assert running
        assert len(running) == 1 or sum(need_of[worker] for worker in running) <= 100
        assert turns == workers[: len(turns)]
        done = running.pop(order.randrange(len(running)))
        admission.release(done)


def test_small_reservations_do_not_overtake_a_large_one() -> None:
    admission, (small, giant, late) = crowd(3, 100)
    admission.reserve(small, 60)
    admission.reserve(giant, 90)
    admission.reserve(late, 10)
    assert (small.admitted, giant.admitted, late.admitted) == (True, False, False)
    assert admission.is_waiting(giant)
    admission.release(small)
    assert (giant.admitted, late.admitted) == (True, True)
    assert not admission.is_waiting(giant)


def test_dead_worker_releases_its_reservation_or_request() -> None:
    admission, (holder, giant, late) = crowd(3, 100)
    admission.reserve(holder, 60)
    admission.reserve(giant, 90)
    admission.reserve(late, 30)
    admission.release(giant)
    assert late.admitted
    admission.release(holder)
    assert not giant.admitted


def test_second_reservation_replaces_the_first() -> None:
    admission, (only,) = crowd(1, 100)
    admission.reserve(only, 90)
    only.admitted = False
    admission.reserve(only, 95)
    assert only.admitted


def test_budget_is_divided_into_allowances_and_shared_memory() -> None:
    budget = Budget(1000 * MIB, 4)
    budget.measure()
    assert 0 < budget.baseline == pytest.approx(resident_memory(), rel=0.2)
    assert budget.share == 250 * MIB
    assert 4 * (budget.baseline + budget.allowance) + budget.shared == budget.total
    budget.check(budget.total - budget.baseline)


@pytest.mark.parametrize(("need", "text"), [(1_900_000_000, "1.9 GB"), (99_000_000, "99 MB"), (64_500, "64.5 kB")])
def test_reservation_above_the_budget_names_both_numbers(need: int, text: str) -> None:
    with pytest.raises(MemoryError, match=rf"needs about {text}, more than the memory budget of 50 kB"):
        Budget(50_000, 1).check(need)


def test_default_budget_respects_the_cgroup_limit() -> None:
    assert default_budget() == pytest.approx(0.6 * min(total_memory(), memory_limit()), abs=1)


def test_default_budget_is_at_least_the_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_memory, "memory_limit", lambda: 10 * MIB)
    assert default_budget() == MIN_MEMORY
    with pytest.raises(ValueError, match="memory: invalid value 1: must be at least 64000000"):
        PoolOptions(memory=1)


def test_reserve_does_nothing_outside_of_a_worker() -> None:
    reserve(1 << 60)


def test_address_space_is_not_limited_if_its_size_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_memory, "address_space", lambda: None)
    before = resource.getrlimit(resource.RLIMIT_AS)
    Budget(TOTAL, 1).limit_address_space()
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def hold(item: tuple[Path, int, float]) -> tuple[float, float]:
    _, need, seconds = item
    reserve(need)
    started = time.monotonic()
    block = bytearray(need)
    time.sleep(seconds)
    del block
    return started, time.monotonic()


@pytest.mark.slow
def test_large_reservations_take_turns(run: Run, tmp_path: Path) -> None:
    results = run(hold, [(tmp_path / str(number), LARGE, 0.1) for number in range(4)], workers=4, memory=above_idle(4))
    spans = sorted(result.result for result in results if isinstance(result, Completed))
    assert len(spans) == 4
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


@pytest.mark.slow
def test_small_tasks_do_not_wait_for_a_large_reservation(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / "0", LARGE, 1.0), *((tmp_path / str(number), MIB, 0.0) for number in range(1, 20))]
    giant, *others = run(hold, items, workers=2, memory=above_idle(2))
    assert isinstance(giant, Completed)
    assert sum(isinstance(other, Completed) and other.result[1] < giant.result[1] for other in others) > 10


@pytest.mark.slow
def test_waiting_for_memory_does_not_count_against_the_timeout(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / str(number), LARGE, 0.5) for number in range(1, 7)]
    results = run(die, items, workers=6, memory=above_idle(6), timeout=2.0)
    assert all(isinstance(result, Completed) and result.seconds < 2 for result in results), results


def die(item: tuple[Path, int, float]) -> float:
    path, need, seconds = item
    reserve(need)
    if path.name == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    return seconds


def test_killed_worker_releases_its_memory(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / str(number), LARGE, 0.05) for number in range(4)]
    lost, *others = run(die, items, workers=4, memory=above_idle(4), retries=0)
    assert isinstance(lost, WorkerLost)
    assert all(isinstance(other, Completed) for other in others)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_waiting(item: tuple[Path, int, float]) -> int:
    path, need, _ = item
    held, pid = path.parent / "held", path.parent / "pid"
    if path.name == "1":
        wait_for(held)
        pid.write_text(str(os.getpid()))
    reserve(need)
    if path.name == "0":
        held.touch()
        wait_for(pid)
        time.sleep(0.2)
        os.kill(int(pid.read_text()), signal.SIGKILL)
    return 0


def test_worker_killed_while_it_waits_for_memory_blocks_no_other(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / str(number), LARGE, 0.0) for number in range(3)]
    first, victim, last = run(kill_waiting, items, workers=2, memory=above_idle(2), retries=0)
    assert isinstance(first, Completed)
    assert isinstance(victim, WorkerLost)
    assert victim.reason is LossReason.CRASHED
    assert isinstance(last, Completed)


def test_task_that_can_never_fit_fails_alone(run: Run, tmp_path: Path) -> None:
    total = above_idle(2)
    items = [(tmp_path / "0", 10 * total, 0.0), (tmp_path / "1", MIB, 0.0)]
    refused, other = run(hold, items, memory=total, workers=2)
    assert isinstance(refused, Raised)
    assert f"more than the memory budget of {format_bytes(total)}" in refused.error
    assert isinstance(other, Completed)


def overstep(_: int) -> int:
    return len(bytearray(2 * TOTAL))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_task_that_exceeds_its_reservation_gets_a_memory_error(run: Run) -> None:
    (result,) = run(overstep, [0], memory=TOTAL)
    assert isinstance(result, Raised)
    assert "MemoryError" in result.error


KEPT: list[bytearray] = []


def grow(number: int, share: int) -> int:
    # A child maps less of the files of its libraries than its parent: only it knows how much of its share remains.
    while number == 0 and (resident_memory() or share) < share + 16 * MIB:
        KEPT.append(bytearray(b"x") * MIB)
    time.sleep(0.02)
    return os.getpid()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no /proc")
def test_worker_that_slightly_exceeds_its_memory_share_is_replaced() -> None:
    memory = 2 * ((resident_memory() or 0) + 600 * MIB)
    results: list[TaskResult[int, int]] = []
    deadline = time.monotonic() + 40

    def numbers() -> Iterator[int]:
        for number in count():
            if len({result.worker for result in results}) > 2 or time.monotonic() > deadline:
                return
            yield number

    with Pool(partial(grow, share=memory // 2), options=PoolOptions(workers=2, memory=memory)) as pool:
        for result in pool.imap_unordered(numbers()):
            results.append(result)  # noqa: PERF402  The numbers end when they hold three workers.
        assert pool.memory == memory
    assert all(isinstance(result, Completed) for result in results)
    assert len({result.worker for result in results}) > 2
    assert pool.workers_lost == 0
