import contextlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.batch import Observer, Settings, run
from forkresize.errors import CollisionError, DestinationBusyError
from forkresize.exit_policy import ExitCode
from forkresize.outcome import Outcome
from forkresize.plan import OnCollision, Shard
from forkresize.pool import PoolOptions
from forkresize.recipe import Recipe, Rendition, Size
from forkresize.store.lock import destination_lock
from forkresize.walk import Selection

Draw = Callable[..., Path]

THUMBNAIL = Recipe(renditions=(Rendition(size=Size(width=8)),))


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(12):
        draw(tmp_path / f"in/{number:02}.jpg", (16, 12), seed=number)
    (tmp_path / "in/sub").mkdir()
    (tmp_path / "in/sub/dangling.jpg").symlink_to("nowhere")
    return tmp_path / "in"


class TestShards:
    def test_all_of_them_make_every_output_once_and_tell_of_every_source_once(
        self, photos: Path, tmp_path: Path
    ) -> None:
        told: list[Outcome] = []
        for number in (1, 2, 3):
            settings = Settings(shard=Shard(number, 3))
            run([photos], tmp_path / "out", THUMBNAIL, settings=settings, observers=[told.append])
        assert sorted(outcome.source.relative for outcome in told) == [
            *(f"{number:02}.jpg" for number in range(12)),
            "sub/dangling.jpg",
        ]
        assert [outcome.status for outcome in told].count("written") == 12

    def test_a_share_that_another_run_works_on_is_no_obstacle(self, photos: Path, tmp_path: Path) -> None:
        with destination_lock(str(tmp_path / "out"), shard="2-of-2"):
            summary = run([photos], tmp_path / "out", THUMBNAIL, settings=Settings(shard=Shard(1, 2)))
            assert 0 < summary.written < 12
            with pytest.raises(DestinationBusyError):
                run([photos], tmp_path / "out", THUMBNAIL)

    def test_collisions_are_those_of_the_whole_tree(self, photos: Path, tmp_path: Path, draw: Draw) -> None:
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


class TestMaxDuration:
    def test_what_is_left_is_left_for_the_next_run(self, photos: Path, tmp_path: Path) -> None:
        settings = Settings(max_duration=1.5, pool=PoolOptions(workers=1))
        summary = run([photos], tmp_path / "out", THUMBNAIL, settings=settings, observers=[lambda _: time.sleep(0.25)])
        assert (summary.exit_code, summary.stopped_by) == (ExitCode.MAX_DURATION, "--max-duration")
        assert 0 < summary.written < 12
        rest = run([photos], tmp_path / "out", THUMBNAIL)
        assert (rest.unchanged, rest.written) == (summary.written, 12 - summary.written)

    def test_a_run_that_is_done_by_then_is_done(self, photos: Path, tmp_path: Path) -> None:
        summary = run([photos], tmp_path / "out", THUMBNAIL, settings=Settings(max_duration=50))
        assert (summary.exit_code, summary.stopped_by) == (ExitCode.FAILURES, None)

    def test_one_that_ends_with_the_last_picture_left_nothing(self, tmp_path: Path, draw: Draw) -> None:
        draw(tmp_path / "in/a.jpg", (16, 12))
        settings = Settings(max_duration=0.3)
        slow = [lambda _: time.sleep(0.4)]
        summary = run([tmp_path / "in"], tmp_path / "out", THUMBNAIL, settings=settings, observers=slow)
        assert (summary.exit_code, summary.stopped_by) == (ExitCode.OK, None)

    @pytest.mark.parametrize("recipe", [THUMBNAIL, Recipe.of(width=8, format="webp")], ids=["as found", "looked ahead"])
    def test_the_walk_counts_too(self, recipe: Recipe, photos: Path, tmp_path: Path) -> None:
        endless = (f"{number % 12:02}.jpg" for number in itertools.count())
        settings = Settings(files_from=lambda: endless, max_duration=0.2, selection=Selection(min_size=10**9))
        summary = run([photos], tmp_path / "out", recipe, settings=settings)
        assert summary.exit_code is ExitCode.MAX_DURATION
        assert summary.written == 0


def test_a_run_waits_for_another_to_end_and_tells_once(photos: Path, tmp_path: Path) -> None:
    told: list[str] = []

    class Recorder(Observer):
        def on_outcome(self, outcome: Outcome) -> None:
            told.append(outcome.status)

        def on_waiting(self) -> None:
            told.append("waiting")
            other.close()

    with contextlib.ExitStack() as other:
        other.enter_context(destination_lock(str(tmp_path / "out")))
        run([photos], tmp_path / "out", THUMBNAIL, settings=Settings(lock_wait=30), observers=[Recorder()])
    assert told == ["waiting", *told[1:]]
    assert told.count("written") == 12
