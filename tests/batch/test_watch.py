import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from forkresize.batch import watch
from forkresize.batch.watch import ChangeFilter, WatchLoop, run_until_stopped
from forkresize.errors import CollisionError, DestinationBusyError, LedgerError, SourceError, StopRequested
from forkresize.job import Source
from forkresize.outcome import Outcome, OutputRef, Written
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally
from forkresize.walk import StabilityTracker
from forkresize.walk.watcher import SourceLostError

OLD = 10**18


def summary(**changes: Any) -> Summary:
    stats = RunStats(seconds=1, workers=changes.pop("workers", 2), workers_lost=1, busy_seconds=0.5)
    return replace(summarize(Tally(), stats), **changes)


def source(path: str) -> Source:
    return Source(path, path, 1, OLD)


class Script:
    """Stands for what changes: each wait that is not a short one brings the next of these."""

    def __init__(self, *brought: set[str] | SourceLostError) -> None:
        self._brought = list(brought)
        self.waits: list[float] = []
        self.reopened = 0

    def wait(self, seconds: float) -> set[str]:
        self.waits.append(seconds)
        if seconds < 1:
            return set()
        if not self._brought:
            raise KeyboardInterrupt
        change = self._brought.pop(0)
        if isinstance(change, SourceLostError):
            raise change
        return change

    def reopen(self) -> None:
        self.reopened += 1


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET_PERIOD_NS", 0)
    monkeypatch.setattr(watch, "_RETRY_INTERVAL", 0.01)


class TestChangeFilter:
    def test_first_all_sources_are_accepted_then_changed_paths_and_all_below_them(self) -> None:
        changes = ChangeFilter(StabilityTracker())
        assert changes.accepts(source("/in/a"))
        changes.add(["/in/a"])
        assert changes.accepts(source("/in/b"))
        changes.finish_pass()
        assert not changes.accepts(source("/in/a"))
        changes.add(["/in/a", "/in/day"])
        accepted = [path for path in ("/in/a", "/in/a2", "/in/day/1/x", "/in/days") if changes.accepts(source(path))]
        assert accepted == ["/in/a", "/in/day/1/x"]
        changes.reset_all()
        assert changes.accepts(source("/in/a2"))

    def test_unstable_sources_are_accepted_in_the_next_pass(self) -> None:
        changes = ChangeFilter(StabilityTracker())
        growing = replace(source("/in/a"), mtime_ns=time.time_ns())
        assert not changes.accepts(growing)
        changes.finish_pass()
        assert changes.accepts(source("/in/a"))
        assert not changes.accepts(source("/in/b"))

    def test_relative_sources_match_absolute_paths(self) -> None:
        changes = ChangeFilter(StabilityTracker())
        changes.finish_pass()
        changes.add([os.path.abspath("in/a")])
        assert changes.accepts(source("in/a"))
        assert changes.accepts(source("./in/../in/a"))

    def test_pending_paths_collapse_to_directories(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "_MAX_PENDING", 3)
        changes = ChangeFilter(StabilityTracker())
        changes.finish_pass()
        changes.add([f"/in/{folder}/{name}" for folder in "ab" for name in range(5)])
        assert changes.accepts(source("/in/a/9"))
        assert not changes.accepts(source("/in/c"))


@pytest.mark.usefixtures("prompt")
class TestWatchLoop:
    @pytest.fixture
    def passes(self) -> Callable[..., tuple[list[Any], list[str], Script]]:
        """Make passes over changes that are scripted; what each pass raises, if anything, comes first."""

        def make(
            results: list[Exception | None], *brought: set[str] | SourceLostError
        ) -> tuple[list[Any], list[str], Script]:
            accepted: list[Any] = []
            statuses: list[str] = []
            script = Script(*brought)
            upcoming = iter(results)

            def one_pass(picks: Callable[[Source], bool]) -> Summary:
                error = next(upcoming, None)
                if error is not None:
                    raise error
                accepted.append([path for path in ("/in/a", "/in/b", "/in/c") if picks(source(path))])
                return summary()

            run_until_stopped(WatchLoop(one_pass, script, statuses.append), Tally())  # type: ignore[arg-type]
            return accepted, statuses, script

        return make

    def test_each_pass_accepts_changes_since_the_last(self, passes: Callable[..., Any]) -> None:
        accepted, statuses, script = passes([], {"/in/b"}, {"/in/c"})
        assert accepted == [["/in/a", "/in/b", "/in/c"], ["/in/b"], ["/in/c"]]
        assert statuses == []
        assert min(script.waits) > 500

    def test_a_failed_pass_is_reported_once_and_its_changes_are_kept(self, passes: Callable[..., Any]) -> None:
        busy = DestinationBusyError("busy")
        results = [None, busy, busy, CollisionError("two for one"), None, busy, None]
        accepted, statuses, _ = passes(results, {"/in/b"}, {"/in/a"})
        assert accepted == [["/in/a", "/in/b", "/in/c"], ["/in/b"], ["/in/a"]]
        assert statuses == ["busy", "two for one", "busy"]

    def test_errors_of_the_first_pass_are_raised(self, passes: Callable[..., Any]) -> None:
        with pytest.raises(DestinationBusyError):
            passes([DestinationBusyError("busy")])

    def test_other_errors_end_the_loop(self, passes: Callable[..., Any]) -> None:
        with pytest.raises(LedgerError):
            passes([None, LedgerError("damaged")], {"/in/b"})

    def test_a_source_that_is_away_is_waited_for_and_then_walked_whole(self, passes: Callable[..., Any]) -> None:
        accepted, statuses, script = passes([], {"/in/b"}, SourceLostError("in is away"), {"/in/c"})
        everything = ["/in/a", "/in/b", "/in/c"]
        assert accepted == [everything, ["/in/b"], everything, ["/in/c"]]
        assert (statuses, script.reopened) == (["in is away"], 1)

    def test_a_pass_that_finds_no_source_is_tried_again(self, passes: Callable[..., Any]) -> None:
        gone = SourceError("'in' does not exist")
        accepted, statuses, _ = passes([None, gone, gone, None], {"/in/b"})
        assert accepted == [["/in/a", "/in/b", "/in/c"], ["/in/b"]]
        assert statuses == ["'in' does not exist"]

    def test_all_sources_are_rescanned_from_time_to_time(
        self, passes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch, "_RESCAN_INTERVAL", 0.0)
        monkeypatch.setattr(Script, "wait", lambda *_: pytest.fail("there was time to wait"))
        with pytest.raises(LedgerError):
            passes([None, None, None, LedgerError("enough")])


def test_growing_files_are_polled_between_passes(prompt: None) -> None:
    modified_at = time.time_ns()
    accepted: list[bool] = []

    def one_pass(picks: Callable[[Source], bool]) -> Summary:
        accepted.append(picks(Source(__file__, "x", 1, modified_at)))
        return summary(stopped_by="enough" if len(accepted) > 1 else None)

    script = Script(*[{os.path.abspath(__file__)}] * 10)
    run_until_stopped(WatchLoop(one_pass, script, print), Tally())  # type: ignore[arg-type]
    assert accepted[0] is False
    # This file was written long ago, so polling finds it stable.
    assert len(accepted) == 2
    assert script.waits == []


class TestUntilStopped:
    def test_the_totals_cover_all_passes(self) -> None:
        tally = Tally()
        tally(
            Outcome(
                OutputRef(source("a"), "b"),
                Written(out_bytes=1, in_size=(1, 1), out_size=(1, 1), in_format="jpeg", out_format="jpeg"),
            )
        )
        passes = [summary(), summary(exit_code=4, stopped_by="--max-errors", workers=3)]
        whole = run_until_stopped(passes, tally)
        assert (whole.exit_code, whole.stopped_by, whole.written) == (4, "--max-errors", 1)
        assert (whole.stats.workers, whole.stats.workers_lost, whole.stats.busy_seconds) == (3, 2, 1.0)

    @pytest.mark.parametrize(
        ("stop", "code", "by"), [(KeyboardInterrupt(), 130, "SIGINT"), (StopRequested(15), 143, "SIGTERM")]
    )
    def test_a_signal_ends_the_watch(self, stop: BaseException, code: int, by: str) -> None:
        def passes() -> Iterator[Summary]:
            yield from ()
            raise stop

        whole = run_until_stopped(passes(), Tally())
        assert (whole.exit_code, whole.stopped_by) == (code, by)
