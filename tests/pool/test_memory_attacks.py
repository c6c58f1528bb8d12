"""Workers that take memory past their limits: they are killed, one task is blamed, and the run goes on."""

import contextlib
import mmap
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from forkresize.pool import (
    Completed,
    LossReason,
    Pool,
    PoolOptions,
    SandboxPolicy,
    TaskResult,
    WithFiles,
    WorkerLost,
    reserve,
    sealed_memfd,
)
from forkresize.pool.client import WorkerClient
from forkresize.pool.inspection import MAX_THREADS
from forkresize.pool.shared import SharedFlag
from forkresize.pool.system import resident_memory

MIB = 1 << 20
TASKS = 12
VICTIM = 5
HUGE = 3 << 30
"""Bytes that an attack tries to take."""

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc, with memfds"),
]

Run = Callable[..., list[TaskResult[Any, Any]]]


@pytest.fixture
def budget() -> int:
    """A small budget for two workers, although this process is large."""
    return 2 * ((resident_memory() or 0) + 64 * MIB)


def lose_the_victim(attack: Callable[[], object], faults: ModuleType, **options: Any) -> tuple[WorkerLost[int], int]:
    """Attack in one task; return its result, and the lowest free memory of the machine, all other tasks being done."""

    def attack_and_hang() -> None:
        attack()
        faults.hang()

    lowest = [available()]
    began = time.monotonic()

    def on_tick(_: object) -> None:
        lowest.append(available())

    with Pool(faults.At(VICTIM, attack_and_hang), options=PoolOptions(**options), on_tick=on_tick) as pool:
        results = sorted(pool.imap_unordered(range(TASKS)), key=lambda result: int(result.item))
    assert time.monotonic() - began < 30
    victim = results.pop(VICTIM)
    assert [result.result for result in results if isinstance(result, Completed)] == [
        number * 2 for number in range(TASKS) if number != VICTIM
    ]
    assert isinstance(victim, WorkerLost), victim
    return victim, lowest[0] - min(lowest)


def available() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))


def test_worker_cannot_lift_its_memory_limit(run: Run, budget: int) -> None:
    def lift(limit: int) -> tuple[int, int]:
        _, hard = resource.getrlimit(limit)
        for wanted in ((hard, hard), (HUGE * 4, hard), (HUGE * 4, HUGE * 4), (resource.RLIM_INFINITY,) * 2):
            with contextlib.suppress(ValueError, PermissionError):
                resource.setrlimit(limit, wanted)
            with contextlib.suppress(ValueError, PermissionError):
                resource.prlimit(0, limit, wanted)
        return resource.getrlimit(limit)

    kinds = [resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE]
    results = run(lift, kinds, memory=budget, sandbox=SandboxPolicy())
    limits = {result.item: result.result for result in results if isinstance(result, Completed)}
    assert limits[resource.RLIMIT_FSIZE] == (budget, budget)
    assert limits[resource.RLIMIT_NOFILE] == (256, 256)
    soft, hard = limits[resource.RLIMIT_AS]
    assert soft == hard < budget + (4 << 30)


def test_memory_error_is_all_that_a_greedy_allocation_gets(run: Run, faults: ModuleType, budget: int) -> None:
    def allocate() -> int:
        with contextlib.suppress(ValueError, PermissionError):
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        return len(bytearray(HUGE))

    results = run(faults.At(VICTIM, allocate), range(TASKS), memory=budget, sandbox=SandboxPolicy())
    assert "MemoryError" in getattr(results.pop(VICTIM), "error", "")
    assert all(isinstance(result, Completed) for result in results)


KEPT: list[Any] = []


def keep_memory() -> None:
    """Allocate small parts until the kernel refuses one."""
    with contextlib.suppress(MemoryError):
        while True:
            KEPT.append(bytearray(b"x") * MIB)


def keep_shared_memory() -> None:
    with contextlib.suppress(OSError, MemoryError):
        for _ in range(HUGE // MIB):
            KEPT.append(mmap.mmap(-1, MIB))
            KEPT[-1].write(bytes(MIB))


def fill_memfds() -> None:
    """Write to files in memory, without mapping them: its resident memory does not include them."""
    with contextlib.suppress(OSError):
        for _ in range(HUGE // (32 * MIB)):
            KEPT.append(os.memfd_create("x"))
            for _ in range(32):
                os.write(KEPT[-1], bytes(MIB))


def fill_one_memfd() -> None:
    KEPT.append(os.memfd_create("x"))
    with contextlib.suppress(OSError):
        os.posix_fallocate(KEPT[-1], 0, HUGE)
    with contextlib.suppress(OSError):
        while True:
            os.write(KEPT[-1], bytes(MIB))


def send_memfds() -> None:
    """Fill files in memory, send them as those of a result that never comes, and close them."""
    client = WorkerClient.current
    assert client is not None
    end = client._channel.files.worker_end  # noqa: SLF001  That is the attack.
    with contextlib.suppress(OSError):
        for _ in range(HUGE // (32 * MIB)):
            with open(os.memfd_create("x"), "wb", buffering=0) as file:
                for _ in range(32):
                    file.write(bytes(MIB))
                socket.send_fds(end, [b"f"], [file.fileno()])


HOARDS: dict[str, Callable[[], None]] = {
    "memory": keep_memory,
    "shared memory": keep_shared_memory,
    "one memfd": fill_one_memfd,
}


@pytest.mark.parametrize("hoard", HOARDS)
def test_worker_that_takes_more_than_its_share_is_killed(hoard: str, run: Run, faults: ModuleType, budget: int) -> None:
    victim, taken = lose_the_victim(HOARDS[hoard], faults, memory=budget, workers=2, retries=0)
    assert victim.reason is LossReason.MEMORY_LIMIT
    assert victim.describe().startswith("used ")
    assert ", its share is " in victim.describe()
    assert taken < HUGE


@pytest.mark.parametrize("sandbox", [None, SandboxPolicy(create_memfds=True)], ids=["no sandbox", "sandbox"])
@pytest.mark.parametrize("attack", [fill_memfds, send_memfds])
def test_files_in_memory_are_counted_even_if_they_were_sent_without_a_result(
    attack: Callable[[], None], sandbox: SandboxPolicy | None, faults: ModuleType, budget: int
) -> None:
    victim, taken = lose_the_victim(attack, faults, memory=budget, workers=2, retries=0, sandbox=sandbox)
    assert victim.reason in {LossReason.MEMORY_LIMIT, LossReason.PROTOCOL_VIOLATION}
    assert taken < HUGE


def test_worker_that_starts_threads_without_end_is_killed(faults: ModuleType) -> None:
    def start_threads() -> NoReturn:
        threading.stack_size(32 << 10)
        with contextlib.suppress(RuntimeError, MemoryError):
            while True:
                threading.Thread(target=faults.hang, daemon=True).start()
        faults.hang()
        raise AssertionError

    victim, _ = lose_the_victim(start_threads, faults, memory=4 << 30, workers=2)
    assert victim.reason is LossReason.PROTOCOL_VIOLATION
    assert f"threads, more than {MAX_THREADS}" in victim.describe()


def test_pipes_hold_little(run: Run, budget: int) -> None:
    def fill_pipes(_: int) -> int:
        """Return how many bytes pipes take."""
        held = 0
        with contextlib.suppress(OSError):
            while True:
                _, end = os.pipe()
                os.set_blocking(end, False)
                with contextlib.suppress(OSError):
                    held += os.write(end, bytes(MIB))
        return held

    (result,) = run(fill_pipes, [0], memory=budget, sandbox=SandboxPolicy())
    assert isinstance(result, Completed)
    assert result.result < 128 * MIB


def test_sandboxed_worker_writes_no_file_larger_than_the_budget(run: Run, tmp_path: Path, budget: int) -> None:
    def fill(_: int) -> int:
        with open(tmp_path / "large", "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                file.truncate(HUGE)
            with pytest.raises(OSError, match="too large"):  # noqa: PT012  Any of them.
                while True:
                    file.write(bytes(8 * MIB))
            return os.fstat(file.fileno()).st_size

    (result,) = run(fill, [0], memory=budget, sandbox=SandboxPolicy(write=(str(tmp_path),)))
    assert isinstance(result, Completed)
    assert result.result == budget


def test_worker_whose_memory_is_reserved_is_not_killed(run: Run, budget: int) -> None:
    def use(size: int) -> int:
        reserve(size)
        block = bytearray(b"x") * size
        time.sleep(0.4)
        return len(block)

    sizes = [100 * MIB, 90 * MIB, 80 * MIB]
    results = run(use, sizes, memory=budget, workers=2)
    assert all(isinstance(result, Completed) and result.attempts == 1 for result in results), results


def test_retry_of_a_task_that_needs_more_than_its_share_gets_the_whole_budget(
    run: Run, faults: ModuleType, budget: int
) -> None:
    started = SharedFlag()

    def use(size: int) -> int:
        is_first = size > MIB and not started
        if is_first:
            started.set()
        block = bytearray(b"x") * size
        if is_first:
            faults.hang()
        time.sleep(0.4)
        return len(block)

    # More than the share of one of two workers and its margin, and less than the budget with all that it inherits.
    size = 31 * MIB + budget * 23 // 40
    results = run(use, [size, MIB], memory=budget, workers=2)
    (large,) = (result for result in results if result.item == size)
    assert isinstance(large, Completed), large
    assert large.attempts == 2


def test_mapped_files_on_a_disk_and_files_of_the_task_are_not_counted(tmp_path: Path, budget: int) -> None:
    size = 100 * MIB
    on_disk = tmp_path / "large"
    with on_disk.open("wb") as target:
        for _ in range(size // MIB):
            target.write(bytes(MIB))

    def read(task: "WithFiles[int]") -> int:
        total = 0
        with on_disk.open("rb") as own:
            for each in (own, task.files[0]):
                block = mmap.mmap(each.fileno(), size, access=mmap.ACCESS_READ)
                for _ in range(4):
                    total += len(block[:: mmap.PAGESIZE])
                    time.sleep(0.15)
        return total

    file = sealed_memfd(bytes(size))
    with file, Pool[Any, int](read, options=PoolOptions(workers=2, memory=budget)) as pool:
        assert pool.submit(WithFiles(1, (file,))).result() == 8 * size // mmap.PAGESIZE
        assert pool.workers_lost == 0


def test_workers_forked_after_the_pools_process_has_grown_are_not_killed(budget: int) -> None:
    def touch(_: int) -> int:
        time.sleep(0.3)
        return len(GROWN)

    with Pool(touch, options=PoolOptions(workers=2, memory=budget, max_tasks=1)) as pool:
        assert all(isinstance(result, Completed) for result in pool.imap_unordered(range(2)))
        GROWN.append(bytearray(b"x") * (300 * MIB))
        try:
            results = list(pool.imap_unordered(range(4)))
        finally:
            GROWN.clear()
        assert [getattr(result, "result", result) for result in results] == [1] * 4
        assert pool.workers_lost == 0


GROWN: list[bytearray] = []
