"""Batches on the machine of a gateway: what ends, and what goes on."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.cluster.lab import wait_for
from tests.gateway.conftest import Gateway, StartGateway
from tests.gateway.runs.client import Stream, find_batch, options, read_events, submit, wait_for_end
from tests.gateway.runs.conftest import draw_pictures

pytestmark = pytest.mark.slow


@pytest.fixture
def busy(tmp_path: Path, start_gateway: StartGateway) -> tuple[Gateway, Path]:
    """A gateway, and many pictures."""
    draw_pictures(tmp_path / "in", 400, (1200, 900))
    return start_gateway(*options(tmp_path)), tmp_path


def start_busy(gateway: Gateway, folder: Path) -> str:
    """Start a run, and return its identifier once it has made an output."""
    run: str = submit(gateway, "web", "photos").json()["id"]
    wait_for(lambda: list(folder.glob("out/*.jpg")), "an output")
    return run


def test_sigterm_ends_streams_and_interrupts_the_run_with_all_outputs_whole(
    busy: tuple[Gateway, Path], start_gateway: StartGateway
) -> None:
    gateway, folder = busy
    run = start_busy(gateway, folder)
    later = submit(gateway, "web/later", "photos").json()["id"]
    stream = Stream(gateway, run)
    wait_for(lambda: stream.socket.recv(4096), "the first events")
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 20
    stream.read_all()
    again = start_gateway(*options(folder))
    found = again.client.get(f"/v1/runs/{run}").json()
    assert found["state"] == "interrupted"
    assert "the same request continues the run" in found["error"]
    assert found["progress"]["written"] == len(list(folder.glob("out/*.jpg")))
    # What waited goes on.
    assert again.client.get(f"/v1/runs/{later}").json()["state"] in {"queued", "running", "succeeded"}
    again.client.delete(f"/v1/runs/{later}")
    wait_for_end(again, later)


def test_a_killed_gateway_ends_its_batch_and_the_next_one_shows_it_as_interrupted(
    busy: tuple[Gateway, Path], start_gateway: StartGateway
) -> None:
    gateway, folder = busy
    run = start_busy(gateway, folder)
    batch = find_batch(gateway)
    gateway.process.kill()
    gateway.process.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{batch}"), "the batch has ended")
    assert not [path for path in folder.rglob("*") if "forkresize-" in path.name]
    again = start_gateway(*options(folder))
    assert again.client.get(f"/v1/runs/{run}").json()["state"] == "interrupted"
    # The lock of its destination is free, and what it made stays.
    made = len(list(folder.glob("out/*.jpg")))
    found = submit(again, "web", "photos").json()["id"]
    wait_for(lambda: again.client.get(f"/v1/runs/{found}").json()["progress"]["unchanged"] > 0, "known outputs")
    again.client.delete(f"/v1/runs/{found}")
    assert wait_for_end(again, found)["progress"]["unchanged"] <= made


def test_a_batch_that_crashes_does_not_take_the_gateway(busy: tuple[Gateway, Path]) -> None:
    gateway, folder = busy
    run = start_busy(gateway, folder)
    os.kill(find_batch(gateway), signal.SIGKILL)
    ended = wait_for_end(gateway, run)
    assert (ended["state"], ended["error"]) == ("failed", "the process of the run ended by SIGKILL")
    assert wait_for_end(gateway, submit(gateway, "web/2", "photos/000.jpg").json()["id"])["state"] == "succeeded"


def test_ctrl_c_is_for_the_gateway_and_a_batch_has_low_priority(busy: tuple[Gateway, Path]) -> None:
    gateway, folder = busy
    start_busy(gateway, folder)
    batch = find_batch(gateway)
    # A terminal sends SIGINT to the group of the command in the foreground.
    assert os.getsid(batch) == batch
    assert os.getpriority(os.PRIO_PROCESS, batch) == 15
    assert gateway.stop(signal.SIGINT) == 0


def test_only_so_many_runs_wait(busy: tuple[Gateway, Path]) -> None:
    gateway, folder = busy
    start_busy(gateway, folder)
    batch = find_batch(gateway)
    os.kill(batch, signal.SIGSTOP)
    try:
        for number in range(100):
            assert submit(gateway, f"web/{number}").status_code == 202
        response = submit(gateway, "web/more")
        assert (response.status_code, response.headers["retry-after"]) == (503, "30")
        assert len(gateway.client.get("/v1/runs?state=queued&limit=200").json()["runs"]) == 100
    finally:
        os.kill(batch, signal.SIGCONT)


def test_a_thousand_events_reach_each_listener_once_and_in_order(start_gateway: StartGateway, tmp_path: Path) -> None:
    draw_pictures(tmp_path / "in", 1)
    damaged = (tmp_path / "in/000.jpg").read_bytes()[:200]
    for number in range(1100):
        (tmp_path / f"in/{number:04}.jpg").write_bytes(damaged)
    gateway = start_gateway(*options(tmp_path))
    run = submit(gateway, "web", "photos").json()["id"]
    slow = [Stream(gateway, run) for _ in range(5)]
    first = read_events(gateway, run)
    numbers = [number for number, *_ in first]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [kind for _, kind, _ in first].count("failure") == 1000
    assert read_events(gateway, run, "700") == first[700:]
    # They have not read anything until now.
    expected = b"".join(b"\nid: %d\n" % number for number in numbers)
    for stream in slow:
        lines = stream.read_all().splitlines()
        assert b"".join(b"\n%b\n" % line for line in lines if line.startswith(b"id: ")) == expected
    ended = gateway.client.get(f"/v1/runs/{run}").json()
    assert (ended["progress"]["failed"], ended["progress"]["written"]) == (1100, 1)
    page = gateway.client.get(f"/v1/runs/{run}/failures?limit=500&after=1000").json()
    assert (len(page["failures"]), page["next"]) == (100, None)
