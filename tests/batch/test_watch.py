import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from forkresize.batch import watch
from forkresize.batch.watch import ChangeFilter, WatchLoop, WatchTotals, run_until_stopped
from forkresize.errors import CollisionError, DestinationBusyError, SourceError, StopRequested
from forkresize.job import Source
from forkresize.outcome import Outcome, OutputRef, Written
from forkresize.summary import RunStats, Summary, Tally, summarize
from forkresize.walk import StabilityTracker

OLD = 10**18


def summary(**changes: Any) -> Summary:
    stats = RunStats(seconds=1, workers=changes.pop("workers", 2), workers_lost=1, busy_seconds=0.5)
    return replace(summarize(Tally(), stats), **changes)


def source(path: str) -> Source:
    return Source(path, path, 1, OLD)


class Script:
    """Stands for what changes: each wait that is not a short one brings the next of these."""

    def __init__(self, *brought: set[str]) -> None:
        self._brought = list(brought)
        self.waits: list[float] = []

    def wait(self, seconds: float) -> set[str]:
        self.waits.append(seconds)
        if seconds < 1:
            return set()
        if not self._brought:
            raise KeyboardInterrupt
        return self._brought.pop(0)


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET_PERIOD_NS", 0)
    monkeypatch.setattr(watch, "_RETRY_INTERVAL", 0.01)


class TestTurn:
    def test_all_are_taken_at_first_and_then_what_changed_and_lies_below_it(self) -> None:
        turn = ChangeFilter(StabilityTracker())
        assert turn.accepts(source("/in/a"))
        turn.add(["/in/a"])
        assert turn.accepts(source("/in/b"))
        turn.finish_pass()
        assert not turn.accepts(source("/in/a"))
        turn.add(["/in/a", "/in/day"])
        taken = [path for path in ("/in/a", "/in/a2", "/in/day/1/x", "/in/days") if turn.accepts(source(path))]
        assert taken == ["/in/a", "/in/day/1/x"]
        turn.reset_all()
        assert turn.accepts(source("/in/a2"))

    def test_what_is_not_ripe_is_taken_in_the_next(self) -> None:
        turn = ChangeFilter(StabilityTracker())
        growing = replace(source("/in/a"), mtime_ns=time.time_ns())
        assert not turn.accepts(growing)
        turn.finish_pass()
        assert turn.accepts(source("/in/a"))
        assert not turn.accepts(source("/in/b"))

    def test_relative_sources_are_known_by_their_absolute_paths(self) -> None:
        turn = ChangeFilter(StabilityTracker())
        turn.finish_pass()
        turn.add([os.path.abspath("in/a")])
        assert turn.accepts(source("in/a"))
        assert turn.accepts(source("./in/../in/a"))

    def test_of_very_many_only_the_directories_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "_MAX_PENDING", 3)
        turn = ChangeFilter(StabilityTracker())
        turn.finish_pass()
        turn.add([f"/in/{folder}/{name}" for folder in "ab" for name in range(5)])
        assert turn.accepts(source("/in/a/9"))
        assert not turn.accepts(source("/in/c"))


@pytest.mark.usefixtures("prompt")
class TestPasses:
    @pytest.fixture
    def passes(self) -> Callable[..., tuple[list[Any], list[str], Script]]:
        """Make passes over changes that are scripted; what each pass raises, if anything, comes first."""

        def make(results: list[Exception | None], *brought: set[str]) -> tuple[list[Any], list[str], Script]:
            taken: list[Any] = []
            told: list[str] = []
            script = Script(*brought)
            upcoming = iter(results)

            def one_pass(picks: Callable[[Source], bool]) -> Summary:
                error = next(upcoming, None)
                if error is not None:
                    raise error
                taken.append([path for path in ("/in/a", "/in/b", "/in/c") if picks(source(path))])
                return summary()

            run_until_stopped(WatchLoop(one_pass, script, told.append), WatchTotals())  # type: ignore[arg-type]
            return taken, told, script

        return make

    def test_each_takes_what_changed_since_the_last(self, passes: Callable[..., Any]) -> None:
        taken, told, script = passes([], {"/in/b"}, {"/in/c"})
        assert taken == [["/in/a", "/in/b", "/in/c"], ["/in/b"], ["/in/c"]]
        assert told == []
        assert min(script.waits) > 500

    def test_what_keeps_one_from_being_made_is_told_once_and_nothing_is_lost(self, passes: Callable[..., Any]) -> None:
        busy = DestinationBusyError("busy")
        results = [None, busy, busy, CollisionError("two for one"), None, busy, None]
        taken, told, _ = passes(results, {"/in/b"}, {"/in/a"})
        assert taken == [["/in/a", "/in/b", "/in/c"], ["/in/b"], ["/in/a"]]
        assert told == ["busy", "two for one", "busy"]

    def test_the_first_has_to_be_made(self, passes: Callable[..., Any]) -> None:
        with pytest.raises(DestinationBusyError):
            passes([DestinationBusyError("busy")])

    def test_other_errors_end_them(self, passes: Callable[..., Any]) -> None:
        with pytest.raises(SourceError):
            passes([None, SourceError("gone")], {"/in/b"})

    def test_from_time_to_time_all_are_taken(self, passes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "_RESCAN_INTERVAL", 0.0)
        monkeypatch.setattr(Script, "wait", lambda *_: pytest.fail("there was time to wait"))
        with pytest.raises(SourceError):
            passes([None, None, None, SourceError("enough")])


def test_files_that_grow_are_looked_at_between_passes(prompt: None) -> None:
    ripening_at = time.time_ns()
    taken: list[bool] = []

    def one_pass(picks: Callable[[Source], bool]) -> Summary:
        taken.append(picks(Source(__file__, "x", 1, ripening_at)))
        return summary(stopped_by="enough" if len(taken) > 1 else None)

    script = Script(*[{os.path.abspath(__file__)}] * 10)
    run_until_stopped(WatchLoop(one_pass, script, print), WatchTotals())  # type: ignore[arg-type]
    assert taken[0] is False
    # This very file was written long ago, so a look at it finds it ripe.
    assert len(taken) == 2
    assert script.waits == []


class TestUntilStopped:
    def test_all_passes_are_summed_up(self) -> None:
        totals = WatchTotals()
        totals.tally(
            Outcome(
                OutputRef(source("a"), "b"),
                Written(out_bytes=1, in_size=(1, 1), out_size=(1, 1), in_format="jpeg", out_format="jpeg"),
            )
        )
        passes = [summary(), summary(exit_code=4, stopped_by="--max-errors", workers=3)]
        whole = run_until_stopped(passes, totals)
        assert (whole.exit_code, whole.stopped_by, whole.written) == (4, "--max-errors", 1)
        assert (whole.stats.workers, whole.stats.workers_lost, whole.stats.busy_seconds) == (3, 2, 1.0)

    @pytest.mark.parametrize(
        ("stop", "code", "by"), [(KeyboardInterrupt(), 130, "SIGINT"), (StopRequested(15), 143, "SIGTERM")]
    )
    def test_a_signal_ends_them(self, stop: BaseException, code: int, by: str) -> None:
        def passes() -> Iterator[Summary]:
            yield from ()
            raise stop

        whole = run_until_stopped(passes(), WatchTotals())
        assert (whole.exit_code, whole.stopped_by) == (code, by)
