"""The progress of a run: counts, rates and the time left."""

import pytest

from forkresize.report.terminal.progress import Progress, ProgressSnapshot
from forkresize.report.terminal.source_counter import SourceCounter
from tests.protocols import MakeOutcome


def _counted(count: int) -> SourceCounter:
    counter = SourceCounter(iter([1] * count))
    counter.advance(60.0)
    return counter


@pytest.fixture
def now() -> list[float]:
    return [100.0]


def test_progress_starts_at_zero(now: list[float]) -> None:
    progress = Progress(SourceCounter(None), lambda: now[0])
    assert progress.snapshot() == ProgressSnapshot(done=0, failed=0, total=0, exact=False)


def test_rates_count_written_outputs(now: list[float], written: MakeOutcome, unchanged: MakeOutcome) -> None:
    progress = Progress(SourceCounter(None), lambda: now[0])
    for outcome in (written(), written(), unchanged()):
        progress.add(outcome)
    now[0] += 4
    progress.take_sample()
    snapshot = progress.snapshot()
    assert (snapshot.pictures_per_second, snapshot.megapixels_per_second) == (0.5, 6.0)
    assert (snapshot.done, snapshot.total, snapshot.exact, snapshot.seconds_left) == (3, 3, False, None)


def test_the_time_left_is_unknown_until_all_sources_are_counted(now: list[float], failed: MakeOutcome) -> None:
    sources = SourceCounter(iter([700] * 10))
    progress = Progress(sources, lambda: now[0])
    progress.add(failed())
    progress.add(failed())
    now[0] += 1
    progress.take_sample()
    assert progress.snapshot().seconds_left is None
    sources.advance(60.0)
    snapshot = progress.snapshot()
    assert (snapshot.done, snapshot.failed, snapshot.total, snapshot.exact) == (2, 2, 10, True)
    assert snapshot.seconds_left == pytest.approx(4.0)
    assert snapshot.fraction == pytest.approx(0.2)


def test_total_is_at_least_the_number_done(now: list[float], unchanged: MakeOutcome) -> None:
    progress = Progress(_counted(1), lambda: now[0])
    progress.add(unchanged())
    progress.add(unchanged())
    assert progress.snapshot().total == 2


def test_rates_cover_only_recent_samples(now: list[float], written: MakeOutcome) -> None:
    progress = Progress(SourceCounter(None), lambda: now[0])
    for _ in range(1_000):
        progress.add(written())
    for _ in range(200):
        now[0] += 0.1
        progress.take_sample()
    assert progress.snapshot().pictures_per_second == 0.0
