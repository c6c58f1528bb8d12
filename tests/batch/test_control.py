import contextlib
import importlib
import itertools
from pathlib import Path

import pytest

from forkresize.batch import Observer, Settings, run
from forkresize.batch.deadline import Deadline
from forkresize.errors import CollisionError, DestinationBusyError
from forkresize.exit_policy import ExitCode
from forkresize.outcome import Outcome
from forkresize.plan import OnCollision, Shard
from forkresize.pool import PoolOptions
from forkresize.recipe import Recipe, Rendition, Size
from forkresize.store.lock import destination_lock
from forkresize.walk import Selection
from tests.protocols import Draw

THUMBNAIL = Recipe(renditions=(Rendition(size=Size(width=8)),))


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(12):
        draw(tmp_path / f"in/{number:02}.jpg", (16, 12), seed=number)
    (tmp_path / "in/sub").mkdir()
    (tmp_path / "in/sub/dangling.jpg").symlink_to("nowhere")
    return tmp_path / "in"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, _: Outcome) -> None:
        self.now += 10


class TestShards:
    @pytest.mark.slow
    def test_all_shards_together_make_and_report_everything_once(self, photos: Path, tmp_path: Path) -> None:
        outcomes: list[Outcome] = []
        for number in (1, 2, 3):
            settings = Settings(shard=Shard(number, 3))
            run([photos], tmp_path / "out", THUMBNAIL, settings=settings, observers=[outcomes.append])
        assert sorted(outcome.source.relative for outcome in outcomes) == [
            *(f"{number:02}.jpg" for number in range(12)),
            "sub/dangling.jpg",
        ]
        assert [outcome.status for outcome in outcomes].count("written") == 12

    @pytest.mark.slow
    def test_shards_do_not_lock_each_other_out(self, photos: Path, tmp_path: Path) -> None:
        with destination_lock(str(tmp_path / "out"), shard="2-of-2"):
            summary = run([photos], tmp_path / "out", THUMBNAIL, settings=Settings(shard=Shard(1, 2)))
            assert 0 < summary.written < 12
            with pytest.raises(DestinationBusyError):
                run([photos], tmp_path / "out", THUMBNAIL)

    @pytest.mark.slow
    def test_collisions_are_found_in_the_whole_tree(self, photos: Path, tmp_path: Path, draw: Draw) -> None:
        names = [f"in/{number:02}.png" for number in range(12)]
        for name in names:
            draw(tmp_path / name, (16, 12))
        webp = Recipe.of(width=8, format="webp")
        with pytest.raises(CollisionError):
            run([photos], tmp_path / "out", webp, settings=Settings(shard=Shard(1, 9)))
        for number in range(1, 10):
            settings = Settings(shard=Shard(number, 9), on_collision=OnCollision.SUFFIX)
            run([photos], tmp_path / "out", webp, settings=settings)
        made = {path.name for path in (tmp_path / "out").glob("*.webp")}
        assert made == {f"{number:02}-{kind}.webp" for number in range(12) for kind in ("jpg", "png")}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of deadlines; it stands still unless it is advanced."""
    clock = Clock()
    # The package has a function of the module's name.
    module = importlib.import_module("forkresize.batch.prepare")
    monkeypatch.setattr(module, "Deadline", lambda seconds: Deadline(seconds, clock))
    return clock


class TestMaxDuration:
    @pytest.mark.slow
    def test_the_next_run_continues_after_the_time_limit(self, photos: Path, tmp_path: Path, clock: Clock) -> None:
        settings = Settings(max_duration=60, pool=PoolOptions(workers=1))
        summary = run([photos], tmp_path / "out", THUMBNAIL, settings=settings, observers=[clock.advance])
        assert (summary.exit_code, summary.stopped_by) == (ExitCode.MAX_DURATION, "--max-duration")
        assert 0 < summary.written < 12
        rest = run([photos], tmp_path / "out", THUMBNAIL)
        assert (rest.unchanged, rest.written) == (summary.written, 12 - summary.written)

    @pytest.mark.slow
    def test_a_run_that_finishes_in_time_is_not_stopped(self, photos: Path, tmp_path: Path) -> None:
        summary = run([photos], tmp_path / "out", THUMBNAIL, settings=Settings(max_duration=50))
        assert (summary.exit_code, summary.stopped_by) == (ExitCode.FAILURES, None)

    @pytest.mark.slow
    def test_a_run_that_exceeds_the_limit_with_its_last_picture_is_not_stopped(
        self, tmp_path: Path, draw: Draw, clock: Clock
    ) -> None:
        draw(tmp_path / "in/a.jpg", (16, 12))
        settings = Settings(max_duration=5)
        summary = run([tmp_path / "in"], tmp_path / "out", THUMBNAIL, settings=settings, observers=[clock.advance])
        assert (clock.now, summary.exit_code, summary.stopped_by) == (10, ExitCode.OK, None)

    @pytest.mark.slow
    @pytest.mark.parametrize("recipe", [THUMBNAIL, Recipe.of(width=8, format="webp")], ids=["as found", "looked ahead"])
    def test_the_time_of_the_walk_counts(self, recipe: Recipe, photos: Path, tmp_path: Path) -> None:
        endless = (f"{number % 12:02}.jpg" for number in itertools.count())
        settings = Settings(files_from=lambda: endless, max_duration=0.2, selection=Selection(min_size=10**9))
        summary = run([photos], tmp_path / "out", recipe, settings=settings)
        assert summary.exit_code is ExitCode.MAX_DURATION
        assert summary.written == 0

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_a_walk_that_the_limit_ended_is_not_a_directory_without_pictures(
        self, photos: Path, tmp_path: Path, dry_run: bool
    ) -> None:
        settings = Settings(max_duration=1e-9, selection=Selection(min_size=10**9), dry_run=dry_run)
        summary = run([photos], tmp_path / "out", THUMBNAIL, settings=settings)
        assert (summary.exit_code, summary.stopped_by) == (ExitCode.MAX_DURATION, "--max-duration")


def test_a_run_waits_for_another_and_announces_it_once(photos: Path, tmp_path: Path) -> None:
    events: list[str] = []

    class Recorder(Observer):
        def on_outcome(self, outcome: Outcome) -> None:
            events.append(outcome.status)

        def on_waiting(self) -> None:
            events.append("waiting")
            other.close()

    with contextlib.ExitStack() as other:
        other.enter_context(destination_lock(str(tmp_path / "out")))
        run([photos], tmp_path / "out", THUMBNAIL, settings=Settings(lock_wait=30), observers=[Recorder()])
    assert events == ["waiting", *events[1:]]
    assert events.count("written") == 12
