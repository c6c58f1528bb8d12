import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from itertools import pairwise
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
from forkresize.pool.machine import memory_limit, total_memory
from forkresize.pool.memory import MIN_MEMORY, AdmissionController, Budget, resident

Run = Callable[..., list[TaskResult[Any, Any]]]
Wait = Callable[[Callable[[], object]], None]

MIB = 1 << 20
GIANT = 300 * MIB
TOTAL = 512 * MIB

pytestmark = pytest.mark.timeout(60)


def above_idle(workers: int) -> int:
    """The budget that leaves TOTAL to the jobs, however large the process is that runs the tests."""
    return TOTAL + workers * (resident() or 0)


class Member:
    def __init__(self) -> None:
        self.admitted = False

    def admit(self) -> None:
        assert not self.admitted
        self.admitted = True


def crowd(count: int, room: int) -> tuple[AdmissionController, list[Member]]:
    budget = Budget(room, count)
    budget.allowance, budget.room = 0, room
    return AdmissionController(budget), [Member() for _ in range(count)]


@given(
    needs=st.lists(st.integers(0, 150), min_size=1, max_size=20),
    order=st.randoms(use_true_random=False),
)
def test_what_is_admitted_fits_or_is_alone_and_everybody_gets_a_turn_in_order(needs: list[int], order: Any) -> None:
    admission, members = crowd(len(needs), 100)
    need_of = dict(zip(members, needs, strict=True))
    for member, need in need_of.items():
        admission.ask(member, need)
    turns: list[Member] = []
    running: list[Member] = []
    while len(turns) < len(members) or running:
        started = [member for member in members if member.admitted and member not in turns]
        turns += started
        running += started
        assert running
        assert len(running) == 1 or sum(need_of[member] for member in running) <= 100
        assert turns == members[: len(turns)]
        done = running.pop(order.randrange(len(running)))
        admission.release(done)


def test_nobody_is_let_past_a_giant_that_waits() -> None:
    admission, (small, giant, late) = crowd(3, 100)
    admission.ask(small, 60)
    admission.ask(giant, 90)
    admission.ask(late, 10)
    assert (small.admitted, giant.admitted, late.admitted) == (True, False, False)
    assert admission.is_waiting(giant)
    admission.release(small)
    assert (giant.admitted, late.admitted) == (True, True)
    assert not admission.is_waiting(giant)


def test_who_dies_while_it_waits_or_holds_frees_its_place() -> None:
    admission, (holder, giant, late) = crowd(3, 100)
    admission.ask(holder, 60)
    admission.ask(giant, 90)
    admission.ask(late, 30)
    admission.release(giant)
    assert late.admitted
    admission.release(holder)
    assert not giant.admitted


def test_a_worker_that_asks_twice_does_not_wait_for_itself() -> None:
    admission, (only,) = crowd(1, 100)
    admission.ask(only, 90)
    only.admitted = False
    admission.ask(only, 95)
    assert only.admitted


def test_a_budget_is_divided_into_what_each_may_take_and_what_is_lent() -> None:
    budget = Budget(1000 * MIB, 4)
    budget.measure()
    assert 0 < budget.idle == pytest.approx(resident(), rel=0.2)
    assert budget.share == 250 * MIB
    assert 4 * (budget.idle + budget.allowance) + budget.room == budget.total
    budget.check(budget.total - budget.idle)


@pytest.mark.parametrize(("need", "told"), [(1_900_000_000, "1.9 GB"), (99_000_000, "99 MB"), (64_500, "64.5 kB")])
def test_what_can_never_fit_is_refused_with_both_numbers(need: int, told: str) -> None:
    with pytest.raises(MemoryError, match=rf"needs about {told}, more than --memory 50 kB"):
        Budget(50_000, 1).check(need)


def test_the_default_heeds_the_control_group() -> None:
    assert default_budget() == pytest.approx(0.6 * min(total_memory(), memory_limit()), abs=1)


def test_a_tiny_machine_still_lets_one_worker_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_memory, "memory_limit", lambda: 10 * MIB)
    assert default_budget() == MIN_MEMORY
    with pytest.raises(ValueError, match="memory: 1 is not at least"):
        PoolOptions(memory=1)


def test_outside_of_a_worker_nothing_is_reserved() -> None:
    reserve(1 << 60)


def test_the_memory_of_a_process_that_is_gone_is_not_known() -> None:
    assert resident("no such process") is None


def test_an_address_space_is_left_alone_where_its_size_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_memory, "_pages", lambda *_: None)
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


def test_giants_take_turns(run: Run, tmp_path: Path) -> None:
    answers = run(hold, [(tmp_path / str(number), GIANT, 0.1) for number in range(4)], workers=4, memory=above_idle(4))
    spans = sorted(answer.result for answer in answers if isinstance(answer, Completed))
    assert len(spans) == 4
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_small_ones_need_not_wait_for_a_giant(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / "0", GIANT, 1.0), *((tmp_path / str(number), MIB, 0.0) for number in range(1, 20))]
    giant, *others = run(hold, items, workers=2, memory=above_idle(2))
    assert isinstance(giant, Completed)
    assert sum(isinstance(other, Completed) and other.result[1] < giant.result[1] for other in others) > 10


def test_waiting_is_no_part_of_the_time_a_job_may_take(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / str(number), GIANT, 1.0) for number in range(4)]
    answers = run(die, items[1:], workers=4, memory=above_idle(4), timeout=2.0)
    assert all(isinstance(answer, Completed) and answer.seconds < 2 for answer in answers), answers


def die(item: tuple[Path, int, float]) -> float:
    path, need, seconds = item
    reserve(need)
    if path.name == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    return seconds


def test_a_worker_that_is_killed_frees_its_memory(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / str(number), GIANT, 0.05) for number in range(4)]
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


def test_a_worker_that_is_killed_while_it_waits_holds_nobody_up(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / str(number), GIANT, 0.0) for number in range(3)]
    first, victim, last = run(kill_waiting, items, workers=2, memory=above_idle(2), retries=0)
    assert isinstance(first, Completed)
    assert isinstance(victim, WorkerLost)
    assert victim.reason is LossReason.CRASHED
    assert isinstance(last, Completed)


def test_what_never_fits_fails_alone(run: Run, tmp_path: Path) -> None:
    items = [(tmp_path / "0", 10 * TOTAL, 0.0), (tmp_path / "1", MIB, 0.0)]
    refused, other = run(hold, items, memory=TOTAL)
    assert isinstance(refused, Raised)
    assert "more than --memory 537 MB" in refused.error
    assert isinstance(other, Completed)


def overstep(_: int) -> int:
    return len(bytearray(2 * TOTAL))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_job_that_takes_more_than_it_said_meets_the_limit(run: Run) -> None:
    (answer,) = run(overstep, [0], memory=TOTAL)
    assert isinstance(answer, Raised)
    assert "MemoryError" in answer.error


KEPT: list[bytearray] = []


def grow(number: int) -> int:
    if number == 0:
        KEPT.append(bytearray(b"x") * (200 * MIB))
    time.sleep(0.02)
    return os.getpid()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not tell")
def test_a_worker_that_has_grown_beyond_its_share_is_replaced(tmp_path: Path) -> None:
    with Pool(grow, options=PoolOptions(workers=2, memory=300 * MIB)) as pool:
        answers = list(pool.imap_unordered(range(150)))
        assert pool.memory == 300 * MIB
    grown = next(answer.worker for answer in answers if answer.item == 0)
    last = max((answer for answer in answers if answer.worker == grown), key=lambda answer: answer.item)
    assert all(isinstance(answer, Completed) for answer in answers)
    assert last.item < 100
    assert pool.workers_lost == 0
