"""Several outputs of each source: counted, updated and reported one by one."""

import os
from pathlib import Path

import pytest

from forkresize import Failed, OnCollision, Outcome, Recipe, Settings, Skipped, Unchanged, Written, render, run
from forkresize.errors import CollisionError, FieldError
from forkresize.outcome import Reason
from tests.protocols import Draw

TWO = Recipe.of(width=[32, 16])


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(3):
        draw(tmp_path / "in" / f"{number}.jpg", seed=number)
    return tmp_path / "in"


def statuses(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return sorted((os.path.basename(outcome.destination or ""), outcome.status) for outcome in outcomes)


def test_sources_are_counted_once_and_outputs_one_by_one(tmp_path: Path, photos: Path) -> None:
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", TWO, observers=[outcomes.append])
    assert (summary.sources, summary.written, len(outcomes)) == (3, 6, 6)
    assert summary.in_bytes == sum(path.stat().st_size for path in photos.iterdir())
    assert summary.out_bytes == sum(path.stat().st_size for path in (tmp_path / "out").glob("*.jpg"))
    assert summary.in_pixels == 3 * 64 * 48


def test_only_changed_outputs_are_made_again(tmp_path: Path, photos: Path) -> None:
    run([photos], tmp_path / "out", TWO)
    (tmp_path / "out/1-16w.jpg").unlink()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.jpg")}
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", TWO, observers=[outcomes.append])
    assert (summary.sources, summary.written, summary.unchanged) == (3, 1, 5)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert ("1-16w.jpg", "written") in statuses(outcomes)


def test_duplicates_need_no_work_in_the_next_run(tmp_path: Path, photos: Path) -> None:
    recipe = Recipe.of(width=[16, 200, 300])
    first = run([photos], tmp_path / "out", recipe)
    assert (first.written, first.skipped, first.exit_code) == (6, 3, 0)
    outcomes: list[Outcome] = []
    again = run([photos], tmp_path / "out", recipe, observers=[outcomes.append])
    assert (again.written, again.unchanged, again.skipped) == (0, 6, 3)
    skipped = [outcome for outcome in outcomes if isinstance(outcome.detail, Skipped)]
    assert {outcome.reason for outcome in skipped} == {Reason.DUPLICATE}


def test_a_dry_run_reports_every_output(tmp_path: Path, photos: Path) -> None:
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", TWO, settings=Settings(dry_run=True), observers=[outcomes.append])
    assert summary.sources == 3
    assert [outcome.status for outcome in outcomes] == ["planned"] * 6


def test_a_damaged_source_is_one_failure(tmp_path: Path, photos: Path) -> None:
    (photos / "x.jpg").write_bytes(b"\xff\xd8\xff")
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", TWO, observers=[outcomes.append])
    assert (summary.sources, summary.failed, summary.written) == (4, 1, 6)
    (failure,) = (outcome for outcome in outcomes if isinstance(outcome.detail, Failed))
    assert failure.destination is None


def test_collisions_between_renditions_are_found_before_any_work(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/a1.jpg", seed=1)
    recipe = Recipe.of(width=[6, 16])
    template = Settings(name="{stem}{width}{ext}")
    with pytest.raises(CollisionError, match=r"a16\.jpg' would be made from"):
        run([tmp_path / "in"], tmp_path / "out", recipe, settings=template)
    assert not (tmp_path / "out").exists()
    kept_apart = Settings(name="{stem}{width}{ext}", on_collision=OnCollision.SUFFIX)
    assert run([tmp_path / "in"], tmp_path / "out", recipe, settings=kept_apart).written == 4
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 4


def test_flat_outputs_of_the_same_name_collide(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/x/a.jpg")
    draw(tmp_path / "in/y/a.jpg")
    with pytest.raises(CollisionError):
        run([tmp_path / "in"], tmp_path / "out", TWO, settings=Settings(flat=True))


def test_render_accepts_a_single_rendition(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(FieldError, match="renditions: expected one rendition for one destination, got 2"):
        render(draw(tmp_path / "a.jpg"), tmp_path / "b.jpg", TWO)


def test_unchanged_and_new_outputs_of_a_source_are_reported_separately(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0-32w.jpg").mkdir()
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", TWO, observers=[outcomes.append])
    assert (summary.sources, summary.written, summary.failed) == (3, 5, 1)
    assert isinstance(
        next(each for each in outcomes if each.destination == str(tmp_path / "out/0-32w.jpg")).detail, Failed
    )
    assert all(isinstance(each.detail, Written | Failed | Unchanged) for each in outcomes)
