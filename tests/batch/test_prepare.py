"""Preparing a run refuses what can be refused, and changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from forkresize.batch import Settings, prepare
from forkresize.errors import CollisionError, FieldError, SourceError
from forkresize.job import Source
from forkresize.plan import OnCollision, Shard
from forkresize.recipe import Recipe
from tests.protocols import Draw

SMALL = Recipe.of(width=8)


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for number in range(3):
        draw(tmp_path / f"in/{number}.jpg")
    return tmp_path / "in"


def test_preparing_changes_nothing(tmp_path: Path, photos: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    plan = prepare([photos], tmp_path / "out", SMALL)
    assert len(list(plan.sources())) == 3
    assert sorted(tmp_path.rglob("*")) == before
    assert plan.execute().written == 3


@pytest.mark.parametrize(
    ("sources", "settings", "expected"),
    [
        (["in/0.jpg"], {}, True),
        (["link.jpg"], {}, True),
        (["in"], {}, False),
        (["in/0.jpg", "in/1.jpg"], {}, False),
        ([], {"files_from": lambda: ["in/0.jpg"]}, False),
        (["in/0.jpg"], {"shard": Shard(1, 2)}, False),
        (["in/0.jpg"], {"source_filter": bool}, False),
    ],
)
def test_only_file_is_the_single_source_of_a_single_run(
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    settings: dict[str, Any],
    *,
    expected: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.jpg").symlink_to(photos / "0.jpg")
    assert prepare(sources, "out", SMALL, Settings(**settings)).has_only_file is expected


@pytest.mark.parametrize(
    ("sources", "destination", "settings", "error", "message"),
    [
        ([], "out", {}, FieldError, "sources: specify a directory"),
        (["missing"], "out", {}, SourceError, "missing"),
        (["in"], "in", {}, FieldError, "destination: .*in"),
        (["in"], "in/0.jpg", {}, FieldError, "destination: .*is a file"),
        (["in/0.jpg"], "in", {}, FieldError, "destination: .*would overwrite its source"),
        (["in", "in"], "out", {"files_from": list}, FieldError, "files_from: "),
        (["in"], "out", {"in_place": True}, FieldError, "in_place: "),
        (["in"], "out", {"backup_dir": "old"}, FieldError, "backup_dir: requires in_place"),
        (["in"], "out", {"serial": True, "sandbox": "on"}, FieldError, "sandbox: requires worker processes"),
        (["in"], "out", {"name": "../{stem}"}, FieldError, "name: "),
    ],
)
def test_impossible_requests_are_refused(
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    destination: str,
    settings: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        prepare(sources, destination, SMALL, Settings(**settings))


def test_collisions_are_refused_before_any_work_unless_the_settings_resolve_them(
    tmp_path: Path, photos: Path, draw: Draw
) -> None:
    draw(photos / "0.png")
    webp = Recipe.of(format="webp")
    with pytest.raises(CollisionError, match=r"0\.webp"):
        prepare([photos], tmp_path / "out", webp)
    plan = prepare([photos], tmp_path / "out", webp, Settings(on_collision=OnCollision.SKIP))
    assert list(plan.collisions.skipped) == [str(photos / "0.png")]


def test_sources_of_a_plan_are_those_of_its_shard_and_filter(tmp_path: Path, photos: Path) -> None:
    found: list[str] = []
    for number in (1, 2):
        plan = prepare([photos], tmp_path / "out", SMALL, Settings(shard=Shard(number, 2)))
        found += [source.relative for source in plan.sources() if isinstance(source, Source)]
    assert sorted(found) == ["0.jpg", "1.jpg", "2.jpg"]
    only = Settings(source_filter=lambda source: source.relative == "1.jpg")
    assert [each.relative for each in prepare([photos], tmp_path / "out", SMALL, only).sources()] == ["1.jpg"]  # type: ignore[union-attr]


def test_a_plan_can_be_prepared_again_over_changed_sources(tmp_path: Path, photos: Path, draw: Draw) -> None:
    plan = prepare([photos], tmp_path / "out", SMALL)
    assert plan.execute().written == 3
    draw(photos / "3.jpg")
    summary = plan.prepare_again(plan.settings).execute()
    assert (summary.written, summary.unchanged) == (1, 3)


def test_the_guard_knows_all_sources_that_were_named_one_by_one(tmp_path: Path, photos: Path) -> None:
    settings = Settings(name="x{ext}", on_collision=OnCollision.SKIP)
    plan = prepare([photos / "0.jpg", photos / "1.jpg"], photos, SMALL, settings)
    assert plan.guard is not None
    assert plan.guard.forbids(str(photos / "0.jpg"), str(photos / "1.jpg"))
    assert not plan.guard.forbids(str(photos / "x.jpg"), str(photos / "1.jpg"))
