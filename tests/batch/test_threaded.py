"""Runs in programs with threads: no fork, no warning, the same outputs, and the same answers to faults."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize import Failed, Observer, PoolOptions, Reason, Recipe, Selection, Settings, Summary, run
from forkresize.outcome import Outcome
from forkresize.pool import threads
from forkresize.pool.threads import has_other_threads
from forkresize.recipe import Watermark
from tests.protocols import Draw

pytestmark = pytest.mark.slow

RECIPE = Recipe.of(width=[16, 24], format="webp")
DEADLINE = 60

Threaded = Callable[..., Summary]


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(8):
        draw(tmp_path / f"in/{number % 2}/{number}.jpg", seed=number)
    (tmp_path / "in/notes.txt").write_text("not a picture")
    return tmp_path / "in"


@pytest.fixture
def threaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threaded]:
    """Run in this process, which has a second thread and would fail to fork."""
    monkeypatch.setattr(threads, "has_other_threads", has_other_threads)
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait)
    thread.start()

    def refuse() -> int:
        raise AssertionError("a process with threads forks")

    monkeypatch.setattr(os, "fork", refuse)

    def call(*arguments: Any, workers: int = 2, **settings: Any) -> Summary:
        observers = settings.pop("observers", ())
        settings.setdefault("pool", PoolOptions(workers=workers))
        return run(*arguments, settings=Settings(**settings), observers=observers)

    yield call
    leave.set()
    thread.join()


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".forkresize" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_outputs_and_counts_are_those_of_a_program_without_threads(
    tmp_path: Path, photos: Path, draw: Draw, threaded: Threaded
) -> None:
    draw(tmp_path / "logo.png", (8, 8), mode="RGBA")
    recipe = Recipe(renditions=RECIPE.renditions, steps=(Watermark(image=str(tmp_path / "logo.png")),))
    found = threaded([photos], tmp_path / "threaded", recipe)
    serial = run([photos], tmp_path / "plain", recipe, settings=Settings(serial=True))
    assert (found.written, found.skipped, found.exit_code) == (serial.written, serial.skipped, 0) == (16, 1, 0)
    assert content(tmp_path / "threaded") == content(tmp_path / "plain")
    assert (found.stats.workers, found.stats.workers_lost) == (2, 0)
    assert threaded([photos], tmp_path / "threaded", recipe).unchanged == 16


def test_workers_are_sandboxed_and_reach_linked_sources(
    tmp_path: Path, photos: Path, draw: Draw, threaded: Threaded
) -> None:
    (photos / "link.jpg").symlink_to(draw(tmp_path / "elsewhere/a.jpg"))
    selection = Selection(symlinks="follow")  # type: ignore[arg-type]
    summary = threaded([photos], tmp_path / "out", RECIPE, selection=selection)
    assert (summary.written, summary.failed) == (18, 0)
    plain = run([photos], tmp_path / "plain", RECIPE, settings=Settings(pool=PoolOptions(workers=1)))
    assert summary.stats.sandbox == plain.stats.sandbox


def test_sources_are_replaced_in_place(tmp_path: Path, photos: Path, threaded: Threaded) -> None:
    before = {name: data for name, data in content(photos).items() if name.endswith("jpg")}
    summary = threaded([photos], photos, Recipe.of(width=9), in_place=True, backup_dir=str(tmp_path / "old"))
    assert summary.written == 8
    assert content(tmp_path / "old") == before


def test_faults_of_pictures_are_outcomes(tmp_path: Path, photos: Path, threaded: Threaded) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    Image.effect_noise((1500, 1500), 90).save(photos / "slow.png")
    failed: dict[str, Reason] = {}

    def note(outcome: Outcome) -> None:
        if isinstance(outcome.detail, Failed):
            failed[outcome.source.relative] = outcome.detail.reason

    pool = PoolOptions(workers=1, timeout=3)
    # The small ones take a few milliseconds, the large one far longer than the time limit.
    recipe = Recipe.of(width=1490, format="avif", effort=10)
    summary = threaded([photos], tmp_path / "out", recipe, pool=pool, observers=[note])
    assert failed == {"bad.jpg": Reason.DAMAGED, "slow.png": Reason.TIMED_OUT}
    assert (summary.written, summary.exit_code, summary.stats.workers_lost) == (8, 1, 1)


def test_a_supervisor_that_dies_is_replaced(tmp_path: Path, photos: Path, threaded: Threaded) -> None:
    killed: list[int] = []

    def kill(_: Outcome) -> None:
        for pid in () if killed else _supervisors():
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    summary = threaded([photos], tmp_path / "out", RECIPE, observers=[kill])
    assert len(killed) == 1
    assert (summary.written, summary.exit_code) == (16, 0)


def _supervisors() -> list[int]:
    """Return the process ids of this process's supervisors."""
    tasks = Path("/proc/self/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return [int(pid) for pid in children if b"forkresize.pool.server" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_observers_know_what_workers_do_and_how_many_sources_there_are(
    tmp_path: Path, photos: Path, threaded: Threaded
) -> None:
    totals: list[tuple[int, bool]] = []
    active: set[str] = set()

    class Follower(Observer):
        def on_total(self, sources: int, *, is_final: bool) -> None:
            totals.append((sources, is_final))

        def on_tick(self, activities: Any) -> None:
            assert len(activities) == 2
            active.update(each.item.source.relative for each in activities if each.item)

    pool = PoolOptions(workers=2, tick=0.001)
    threaded([photos], tmp_path / "out", RECIPE, pool=pool, observers=[Follower()])
    assert totals[-1] == (9, True)
    assert active <= {f"{number % 2}/{number}.jpg" for number in range(8)} | {"notes.txt"}
    assert active


def test_a_run_in_an_event_loop(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "has_other_threads", has_other_threads)

    async def serve() -> Summary:
        first, second = await asyncio.gather(
            asyncio.to_thread(run, [photos], tmp_path / "a", RECIPE),
            asyncio.to_thread(run, [photos], tmp_path / "b", RECIPE),
        )
        assert first.written == second.written
        return second

    assert asyncio.run(serve()).written == 16


PROGRAM = """
import json, sys, threading
from forkresize import Observer, PoolOptions, Recipe, Settings, run

class Ready(Observer):
    def on_outcome(self, outcome):
        print("outcome", flush=True)

threading.Thread(target=threading.Event().wait, daemon=True).start()
settings = Settings(pool=PoolOptions(workers=1))
# Each picture takes longer than the pause between two signals, so that the second one finds the run at work.
recipe = Recipe.of(width=200, format="avif", effort=10)
summary = run(["in"], "out", recipe, settings=settings, observers=[Ready()])
print(json.dumps([summary.written, summary.failed, summary.exit_code, summary.stopped_by]), flush=True)
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_stop_signals_end_the_run(tmp_path: Path, draw: Draw, signals: int) -> None:
    for number in range(12):
        draw(tmp_path / f"in/{number:02}.png", (400, 300), seed=number)
    # A test runner started with & ignores SIGINT, and children would inherit that.
    command = ["env", "--default-signal", sys.executable, "-W", "error", "-c", PROGRAM]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "outcome\n"
        for _ in range(signals):
            program.send_signal(signal.SIGINT)
            signal.sigtimedwait([], 0.3)
        rest = program.stdout.read().splitlines()
        assert program.wait(DEADLINE) == 0
    written, failed, code, stopped_by = json.loads(rest[-1])
    assert (code, stopped_by) == (130, "SIGINT")
    assert 0 < written < 12
    assert failed <= (3 if signals > 1 else 0)
    assert len(content(tmp_path / "out")) == written
