"""Runs that write to a store without local paths, prepared and executed as any other."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize import Outcome, Recipe, Settings, prepare
from forkresize.errors import CollisionError, FieldError
from forkresize.outcome import Reason
from forkresize.store import Capabilities
from tests.protocols import Draw
from tests.store.memory import MemoryStore

Make = Callable[..., list[Outcome]]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("web")


@pytest.fixture
def make(tmp_path: Path, draw: Draw, store: MemoryStore) -> Make:
    """Draw three pictures and run over them; returns the outcomes."""
    for name in ("a.jpg", "trip/b.png", "trip/c\udcff.jpg"):
        draw(tmp_path / "in/x.jpg").rename(draw(tmp_path / "in/y.jpg"))
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        draw(tmp_path / "picture.png").rename(path)
    (tmp_path / "in/y.jpg").unlink()

    def run(recipe: Recipe | None = None, **settings: Any) -> list[Outcome]:
        outcomes: list[Outcome] = []
        plan = prepare([tmp_path / "in"], store, recipe or Recipe.of(width=16), Settings(serial=True, **settings))
        plan.execute([outcomes.append])
        return outcomes

    return run


def listing(store: MemoryStore) -> list[str]:
    return [info.key for info in store.scan()]


def test_outputs_are_put_into_the_store(make: Make, store: MemoryStore) -> None:
    outcomes = make()
    assert listing(store) == ["a.jpg", "trip/b.png", "trip/c\udcff.jpg"]
    assert sorted(str(outcome.destination) for outcome in outcomes) == [f"memory://web/{key}" for key in listing(store)]
    assert {outcome.status for outcome in outcomes} == {"written"}
    with store.open("trip/b.png") as file, Image.open(io.BytesIO(file.read())) as image:
        assert image.width == 16


def test_outputs_in_the_store_are_unchanged_in_the_next_run(make: Make, store: MemoryStore, tmp_path: Path) -> None:
    make()
    store.delete("a.jpg")
    assert {str(outcome.source.relative): outcome.status for outcome in make()} == {
        "a.jpg": "written",
        "trip/b.png": "unchanged",
        "trip/c\udcff.jpg": "unchanged",
    }
    assert [outcome.status for outcome in make(if_exists="overwrite")] == ["written"] * 3
    assert {outcome.reason for outcome in make(if_exists="skip")} == {Reason.EXISTS}


def test_outputs_get_the_times_of_their_sources(make: Make, store: MemoryStore, tmp_path: Path) -> None:
    make(preserve_times=True)
    for info in store.scan():
        assert info.mtime_ns == (tmp_path / "in" / info.key).stat().st_mtime_ns


@pytest.mark.parametrize("mtimes", [True, False])
def test_an_output_of_a_source_that_changed_while_it_was_made_is_made_again(
    make: Make, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mtimes: bool
) -> None:
    stage = store.stage

    def touch_and_stage(staged: str, data: bytes) -> None:
        for path in (tmp_path / "in").rglob("*.*"):
            os.utime(path)
        stage(staged, data)

    monkeypatch.setattr(store, "capabilities", Capabilities(mtimes=mtimes))
    with monkeypatch.context() as patch:
        patch.setattr(store, "stage", touch_and_stage)
        first = make()
    assert {outcome.status for outcome in first} == {"written" if mtimes else "failed"}
    assert all("source was changed" in f"{outcome.warnings} {outcome.error}" for outcome in first)
    assert {outcome.status for outcome in make()} == {"written"}
    assert {outcome.status for outcome in make()} == {"unchanged"}


def test_times_are_refused_if_the_store_has_none(
    make: Make, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "capabilities", Capabilities())
    with pytest.raises(FieldError, match="modification times"):
        make(preserve_times=True)


def test_a_dry_run_puts_nothing(make: Make, store: MemoryStore) -> None:
    assert {outcome.status for outcome in make(dry_run=True)} == {"planned"}
    assert listing(store) == []


def test_a_full_store_fails_the_run(make: Make, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put", full)
    (outcome,) = make(order="path")
    assert (outcome.reason, outcome.error) == (Reason.NOT_WRITTEN, "memory://web/a.jpg: No space left on device")


def test_collisions_name_locations_in_the_store(make: Make) -> None:
    with pytest.raises(CollisionError, match=r"memory://web/a\.webp"):
        make(Recipe.of(format="webp"), name="a.webp", flat=True)


@pytest.mark.parametrize("settings", [{"serial": False}, {"serial": True, "in_place": True}])
def test_what_requires_local_paths_is_refused(tmp_path: Path, store: MemoryStore, settings: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        prepare([tmp_path], store, Recipe.of(width=16), Settings(**settings))
