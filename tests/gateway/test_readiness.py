"""``/readyz`` says what is missing, at once, and asks for each thing at most once per second."""

import asyncio
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from forkresize.gateway.readiness import Readiness
from tests.gateway.conftest import DEADLINE, Gateway, StartGateway


def fail() -> None:
    raise OSError("password=geheim")


def test_checks_run_beside_each_other_and_report_what_failed_without_details() -> None:
    hang = threading.Event()

    async def ask() -> None:
        readiness = Readiness({"good": lambda: None, "bad": fail, "slow": lambda: hang.wait(DEADLINE)}, timeout=0.2)
        report = await readiness.report()
        assert {name: check.status for name, check in report.checks.items()} == {
            "good": "ok",
            "bad": "failed",
            "slow": "timed out",
        }
        assert not report.is_ready
        assert "geheim" not in repr(report)
        assert report.checks["slow"].seconds < 5
        readiness.close()

    try:
        asyncio.run(ask())
    finally:
        hang.set()


def test_a_gateway_is_ready_without_what_is_optional() -> None:
    async def ask() -> None:
        readiness = Readiness({"good": lambda: None, "bad": fail}, optional=frozenset({"bad"}))
        report = await readiness.report()
        assert (report.is_ready, report.checks["bad"].status) == (True, "failed")
        readiness.close()

    asyncio.run(ask())


def test_many_requests_share_one_check() -> None:
    calls: list[float] = []

    async def ask() -> None:
        readiness = Readiness({"counted": lambda: calls.append(time.monotonic())})
        reports = await asyncio.gather(*(readiness.report() for _ in range(100)))
        assert all(report.is_ready for report in reports)
        await readiness.report()
        assert len(calls) == 1
        readiness._ended_at -= 1.5  # noqa: SLF001 -- as if so many seconds had passed.
        await readiness.report()
        assert len(calls) == 2
        readiness.close()

    asyncio.run(ask())


def test_a_check_that_hangs_is_not_begun_again_and_shows_its_age() -> None:
    go, begun = threading.Event(), list[float]()

    def hang() -> None:
        begun.append(time.monotonic())
        assert go.wait(DEADLINE)

    async def ask() -> None:
        readiness = Readiness({"good": lambda: None, "slow": hang}, timeout=0.1)
        ages = []
        for _ in range(5):
            report = await readiness.report()
            assert (report.checks["good"].status, report.checks["slow"].status) == ("ok", "timed out")
            ages.append(report.checks["slow"].seconds)
            readiness._ended_at -= 1.5  # noqa: SLF001 -- as if so many seconds had passed.
        assert len(begun) == 1
        assert ages == sorted(set(ages))
        go.set()
        deadline = time.monotonic() + DEADLINE
        while not (await readiness.report()).is_ready:
            assert time.monotonic() < deadline
            readiness._ended_at -= 1.5  # noqa: SLF001
        readiness.close()

    try:
        asyncio.run(ask())
    finally:
        go.set()


def test_what_was_cancelled_by_its_client_goes_on_for_others() -> None:
    go = threading.Event()

    async def ask() -> None:
        readiness = Readiness({"slow": lambda: go.wait(DEADLINE)}, timeout=DEADLINE)
        first = asyncio.create_task(readiness.report())
        second = asyncio.create_task(readiness.report())
        await asyncio.sleep(0)
        first.cancel()
        go.set()
        assert (await second).is_ready
        readiness.close()

    asyncio.run(ask())


def wait_for_status(gateway: Gateway, status: int) -> dict[str, str]:
    """Wait until the gateway is ready, or is not; return the state of each check."""
    deadline = time.monotonic() + DEADLINE
    while (response := gateway.client.get("readyz")).status_code != status:
        assert time.monotonic() < deadline, response.text
        time.sleep(0.1)
    assert response.headers["cache-control"] == "no-store"
    return {name: check["status"] for name, check in response.json()["checks"].items()}


@pytest.mark.slow
def test_gateway_is_ready_when_its_workers_and_stores_are_there(tmp_path: Path, start_gateway: StartGateway) -> None:
    (tmp_path / "in").mkdir()
    root = ["--root", f"photos={tmp_path / 'in'}", "--unsigned", "--workers", "1"]
    gateway = start_gateway(*root, "--store", str(tmp_path / "web"))
    assert wait_for_status(gateway, 200) == {"pool": "ok", "store": "ok", "derivatives": "ok"}
    (tmp_path / "web").touch()
    time.sleep(1.1)
    assert wait_for_status(gateway, 200) == {"pool": "ok", "store": "ok", "derivatives": "failed"}
    (tmp_path / "web").unlink()
    (child,) = find_children(gateway.process.pid)
    shutil.rmtree(tmp_path / "in")
    assert wait_for_status(gateway, 503) == {"pool": "ok", "store": "failed", "derivatives": "ok"}
    (tmp_path / "in").mkdir()
    wait_for_status(gateway, 200)
    os.kill(int(child), signal.SIGSTOP)
    try:
        # It is asked for nothing: what is busy is alive.
        time.sleep(1.1)
        assert wait_for_status(gateway, 200) == {"pool": "ok", "store": "ok", "derivatives": "ok"}
    finally:
        os.kill(int(child), signal.SIGCONT)
    assert gateway.client.get("livez").status_code == 200


def find_children(pid: int) -> list[str]:
    """Return the children of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]
