"""Runs as a library: summaries, observers, refusals."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tqdm import tqdm

import forkresize
from forkresize import (
    Failed,
    ForkresizeError,
    Format,
    IfExists,
    MaxErrors,
    OnCollision,
    Order,
    Outcome,
    PoolOptions,
    Reason,
    Recipe,
    Selection,
    Settings,
    Skipped,
    Written,
    render,
    run,
)
from forkresize.batch import backend
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.errors import CollisionError, DestinationBusyError, FieldError, SourceError, UsageError
from forkresize.exit_policy import ExitCode
from forkresize.ledger import RecipeFingerprints
from forkresize.observer import Observer
from forkresize.outcome import Planned
from forkresize.pool import SandboxMode
from forkresize.store.lock import destination_lock
from tests.protocols import Draw

SMALL = Recipe.of(width=16)


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(6):
        draw(tmp_path / "in" / f"{number}.jpg", seed=number)
    (tmp_path / "in" / "text.txt").write_text("no picture")
    return tmp_path / "in"


def test_every_source_is_reported_once_to_every_observer(tmp_path: Path, photos: Path) -> None:
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", SMALL, observers=[outcomes.append])
    assert sorted(outcome.source.relative for outcome in outcomes) == sorted(path.name for path in photos.iterdir())
    assert (summary.written, summary.skipped, summary.exit_code) == (6, 1, 0)
    assert all(
        outcome.status == ("written" if outcome.source.path.endswith("jpg") else "skipped") for outcome in outcomes
    )


def test_fingerprints_are_computed_while_a_worker_has_the_first_picture(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = draw(tmp_path / "a.jpg"), tmp_path / "out"
    # With a sandbox, this process opens the source for the worker.
    settings = Settings(sandbox=SandboxMode.OFF)

    def compute_after_the_worker_has_made_its_output(*args: Any, **options: Any) -> RecipeFingerprints:
        deadline = time.monotonic() + 30
        while not any(path.is_file() for path in output.glob(".forkresize-*/*")):
            assert time.monotonic() < deadline, "no worker has the picture"
            time.sleep(0.001)
        return fingerprint_recipe(*args, **options)

    monkeypatch.setattr(backend, "fingerprint_recipe", compute_after_the_worker_has_made_its_output)
    assert run([source], output, SMALL, settings=settings).written == 1
    monkeypatch.undo()
    assert run([source], output, SMALL).unchanged == 1


def test_a_function_that_updates_a_tqdm_bar_is_an_observer(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tqdm, "monitor_interval", 0)
    with tqdm(disable=False, file=(tmp_path / "bar").open("w")) as bar:
        run([photos], tmp_path / "out", SMALL, observers=[lambda _: bar.update()])
        assert bar.n == 7
        bar.fp.close()


@pytest.mark.slow
def test_on_tick_gets_what_the_workers_are_doing(tmp_path: Path, draw: Draw) -> None:
    class Watcher(Observer):
        def __init__(self) -> None:
            self.ticks: list[int] = []

        def on_tick(self, activities: Sequence[object]) -> None:
            self.ticks.append(len(activities))

    draw(tmp_path / "in/a.png", (3000, 2000))
    watcher = Watcher()
    settings = Settings(pool=PoolOptions(workers=1, tick=0.001))
    run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=1500), settings=settings, observers=[watcher])
    assert 1 in watcher.ticks


def test_a_dry_run_reports_planned_outputs_and_makes_nothing(tmp_path: Path, photos: Path) -> None:
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", SMALL, settings=Settings(dry_run=True), observers=[outcomes.append])
    assert sum(isinstance(outcome.detail, Planned) for outcome in outcomes) == 6
    assert (summary.sources, summary.written, summary.exit_code) == (7, 0, 0)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_stops_the_run(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    summary = run([photos], tmp_path / "out", SMALL, settings=Settings(pool=PoolOptions(workers=1)))
    assert summary.exit_code == ExitCode.FATAL
    assert "No space left" in (summary.stopped_by or "")
    assert summary.failed >= 1  # The worker may hold all of these pictures by then.


def test_too_many_errors_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(100):
        (tmp_path / "in" / f"{number}.jpg").write_bytes(b"\xff\xd8\xff broken")
    settings = Settings(max_errors=MaxErrors(3), pool=PoolOptions(workers=1))
    summary = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings)
    assert summary.exit_code == ExitCode.MAX_ERRORS
    # A worker may have done some more of them until the first errors are known.
    assert 3 <= summary.failed < 100


def test_a_percentage_of_errors_stays_reached(tmp_path: Path, draw: Draw) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/00.jpg").write_bytes(b"\xff\xd8\xff broken")
    first = draw(tmp_path / "in/01.jpg")
    for number in range(2, 100):
        (tmp_path / f"in/{number:02}.jpg").hardlink_to(first)
    # One worker, so that what comes first is answered first.
    settings = Settings(max_errors=MaxErrors(5, percent=True), order=Order.PATH, pool=PoolOptions(workers=1))
    summary = run([tmp_path / "in"], tmp_path / "out", SMALL, settings=settings)
    assert (summary.exit_code, summary.stopped_by) == (ExitCode.MAX_ERRORS, "--max-errors")
    assert summary.sources < 100


def test_enums_may_be_given_as_strings(tmp_path: Path, draw: Draw) -> None:
    for suffix in ("jpg", "png"):
        draw(tmp_path / "in" / f"a.{suffix}")
    settings = Settings(on_collision="error", order="path", if_exists="skip")  # type: ignore[arg-type]
    with pytest.raises(CollisionError):
        run([tmp_path / "in"], tmp_path / "out", Recipe.of(format=Format.WEBP), settings=settings)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="if_exists: invalid value 'bogus': use one of update"):
        Settings(if_exists="bogus")  # type: ignore[arg-type]


def test_an_unreadable_source_fails_alone(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_head: bytes, path: str) -> bool:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("forkresize.batch.classify.is_picture", refuse)
    outcomes: list[Outcome] = []
    run([photos], tmp_path / "out", SMALL, settings=Settings(dry_run=True), observers=[outcomes.append])
    assert [outcome.error for outcome in outcomes if isinstance(outcome.detail, Failed)] == ["Permission denied"] * 7
    (photos / "0.png").hardlink_to(photos / "0.jpg")
    with pytest.raises(CollisionError):
        run([photos], tmp_path / "out", Recipe.of(format=Format.WEBP))


@pytest.mark.parametrize("destination", ["out", "out/"])
def test_no_output_overwrites_the_ledger(tmp_path: Path, draw: Draw, destination: str) -> None:
    draw(tmp_path / "in/a.png").rename(tmp_path / "in/a.forkresize")
    outcomes: list[Outcome] = []
    settings = Settings(name="{ext}/ledger.db")
    run([tmp_path / "in"], f"{tmp_path}/{destination}", SMALL, settings=settings, observers=[outcomes.append])
    assert [outcome.error for outcome in outcomes if isinstance(outcome.detail, Failed)] == [
        "output path is inside .forkresize, which is reserved"
    ]
    assert (tmp_path / "out/.forkresize/ledger.db").read_bytes().startswith(b"SQLite")


def test_failures_without_a_worker_count_for_max_errors(tmp_path: Path, photos: Path) -> None:
    run([photos], tmp_path / "out", SMALL)
    settings = Settings(if_exists=IfExists.ERROR, max_errors=MaxErrors(2))
    summary = run([photos], tmp_path / "out", SMALL, settings=settings)
    assert (summary.failed, summary.exit_code) == (2, ExitCode.MAX_ERRORS)


def test_collisions_are_resolved_by_the_policy(tmp_path: Path, draw: Draw) -> None:
    for suffix in ("jpg", "png"):
        draw(tmp_path / "in" / f"a.{suffix}")
    recipe = Recipe.of(format=Format.WEBP)
    with pytest.raises(CollisionError):
        run([tmp_path / "in"], tmp_path / "out", recipe)
    outcomes: list[Outcome] = []
    settings = Settings(on_collision=OnCollision.SKIP)
    summary = run([tmp_path / "in"], tmp_path / "out", recipe, settings=settings, observers=[outcomes.append])
    assert (summary.written, summary.skipped) == (1, 1)
    [skipped] = (outcome for outcome in outcomes if isinstance(outcome.detail, Skipped))
    assert (skipped.source.relative, skipped.reason) == ("a.png", Reason.COLLISION)


def test_a_second_run_is_refused_while_the_first_holds_the_destination(tmp_path: Path, photos: Path) -> None:
    with destination_lock(str(tmp_path / "out")), pytest.raises(DestinationBusyError):
        run([photos], tmp_path / "out", SMALL)


@pytest.mark.parametrize("sources", [[], ["missing"]])
def test_a_run_without_sources_is_refused(tmp_path: Path, sources: list[str]) -> None:
    with pytest.raises((UsageError, SourceError)) as refusal:
        run([tmp_path / source for source in sources], tmp_path / "out", SMALL)
    assert isinstance(refusal.value, ForkresizeError)


def test_a_list_of_names_requires_at_most_one_source(tmp_path: Path, photos: Path) -> None:
    settings = Settings(files_from=lambda: ["0.jpg", "text.txt", "0.jpg"], selection=Selection())
    assert run([photos], tmp_path / "out", SMALL, settings=settings).sources == 2
    with pytest.raises(UsageError):
        run([photos, photos], tmp_path / "out", SMALL, settings=settings)


def test_one_picture_is_made_without_a_pool(tmp_path: Path, draw: Draw) -> None:
    outcome = render(draw(tmp_path / "a.jpg"), tmp_path / "deep" / "b.webp", Recipe.of(width=16, format=Format.WEBP))
    assert isinstance(outcome.detail, Written)
    with Image.open(tmp_path / "deep" / "b.webp") as made:
        assert (made.format, made.size) == ("WEBP", (16, 12))
    assert isinstance(render(tmp_path / "missing.jpg", tmp_path / "c.jpg", SMALL).detail, Failed)


def test_the_suffix_of_one_picture_decides_its_format(tmp_path: Path, draw: Draw) -> None:
    source = draw(tmp_path / "a.jpg")
    assert isinstance(render(source, tmp_path / "b.PNG", SMALL).detail, Written)
    with Image.open(tmp_path / "b.PNG") as made:
        assert made.format == "PNG"
    assert isinstance(render(source, tmp_path / "c.partial", SMALL).detail, Written)
    with Image.open(tmp_path / "c.partial") as made:
        assert made.format == "JPEG"
    with pytest.raises(FieldError, match=r"must end in \.webp: its format is webp"):
        render(source, tmp_path / "d.jpg", Recipe.of(width=16, format="webp"))
    with pytest.raises(FieldError, match="HEIF files cannot be written"):
        render(source, tmp_path / "d.heic", SMALL)
    assert sorted(os.listdir(tmp_path)) == ["a.jpg", "b.PNG", "c.partial"]


@pytest.mark.parametrize("sources", ["photos", b"photos", Path("photos")])
def test_one_path_instead_of_a_list_is_refused(sources: Any, tmp_path: Path) -> None:
    with pytest.raises(FieldError, match=r"^sources: expected a list of paths, got .*: use \[.*photos.*\]$"):
        run(sources, tmp_path / "out", SMALL)
    assert not (tmp_path / "out").exists()


def test_settings_accept_words_in_any_spelling() -> None:
    settings = Settings(if_exists="Overwrite", on_collision="SKIP", selection=Selection(symlinks="Follow"))  # type: ignore[arg-type]
    assert settings.if_exists is IfExists.OVERWRITE
    assert settings.on_collision is OnCollision.SKIP


@pytest.mark.parametrize("name", forkresize.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(forkresize, name) is not None


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(forkresize, "nothing")  # noqa: B009 (mypy knows that it does not exist)


def test_a_serial_run_forks_no_process(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process was forked"))
    outcomes: list[Outcome] = []
    summary = run([photos], tmp_path / "out", SMALL, settings=Settings(serial=True), observers=[outcomes.append])
    assert (summary.written, summary.skipped, summary.exit_code, summary.stats.workers) == (6, 1, 0, 1)
    assert {outcome.execution.worker for outcome in outcomes if isinstance(outcome.detail, Written)} == {os.getpid()}
    assert run([photos], tmp_path / "out", SMALL, settings=Settings(serial=True)).unchanged == 6


def test_a_serial_run_cannot_be_sandboxed(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(UsageError, match="sandbox: requires worker processes"):
        run([photos], tmp_path / "out", SMALL, settings=Settings(serial=True, sandbox="on"))  # type: ignore[arg-type]
