"""Pruning of outputs that the recipe no longer asks for: only of sources that are part of the run, and complete."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from forkresize import IfExists, MaxPrune, OnCollision, Pruned, Recipe, Rule, Selection, Settings, Shard, Summary, run
from forkresize.outcome import Outcome
from forkresize.store import LocalStore
from tests.protocols import Draw

OLD = Recipe.of(width=[8, 16])
NEW = Recipe.of(width=[8, 24])
STALE = ["0-16w.jpg", "1-16w.jpg", "sub/2-16w.jpg"]

Prune = Callable[..., tuple[Summary, list[str]]]


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    for name in ("0.jpg", "1.jpg", "sub/2.jpg"):
        draw(tmp_path / "in" / name)
    return tmp_path / "in"


@pytest.fixture
def prune(tmp_path: Path, photos: Path) -> Prune:
    """Run with the old recipe, then prune with another one; return the summary and the pruned outputs."""
    run([photos], tmp_path / "out", OLD, settings=Settings(serial=True))

    def again(recipe: Recipe = NEW, **settings: object) -> tuple[Summary, list[str]]:
        outcomes: list[Outcome] = []
        asked = Settings(**{"prune": True, "serial": True, **settings})  # type: ignore[arg-type]
        summary = run([photos], tmp_path / "out", recipe, settings=asked, observers=[outcomes.append])
        pruned = [each for each in outcomes if isinstance(each.detail, Pruned)]
        return summary, sorted(os.path.relpath(str(each.destination), tmp_path / "out") for each in pruned)

    return again


def outputs(tmp_path: Path) -> list[str]:
    files = (path for path in (tmp_path / "out").rglob("*") if path.is_file() and ".forkresize" not in path.parts)
    return sorted(str(path.relative_to(tmp_path / "out")) for path in files)


def test_outputs_of_a_rendition_that_the_recipe_dropped_are_removed_and_the_others_kept(
    tmp_path: Path, prune: Prune
) -> None:
    summary, pruned = prune()
    assert (pruned, summary.pruned, summary.exit_code) == (STALE, 3, 0)
    assert outputs(tmp_path) == [
        *("0-24w.jpg", "0-8w.jpg", "1-24w.jpg", "1-8w.jpg", "sub/2-24w.jpg", "sub/2-8w.jpg"),
    ]
    assert prune()[1] == []


def test_the_reason_says_so(tmp_path: Path, photos: Path) -> None:
    reasons: dict[str, str] = {}

    def note(outcome: Outcome) -> None:
        if isinstance(outcome.detail, Pruned):
            reasons[os.path.basename(str(outcome.destination))] = outcome.detail.reason_text

    run([photos], tmp_path / "out", OLD, settings=Settings(serial=True))
    (photos / "0.jpg").unlink()
    run([photos], tmp_path / "out", NEW, settings=Settings(serial=True, prune=True), observers=[note])
    assert reasons == {
        **dict.fromkeys(["0-16w.jpg", "0-8w.jpg"], "its source is gone"),
        **dict.fromkeys(["1-16w.jpg", "2-16w.jpg"], "the recipe no longer asks for it"),
    }


@pytest.mark.parametrize("settings", [{"name": "{stem}_{width}{ext}"}, {"flat": True, "name": "f/{stem}_{width}{ext}"}])
def test_outputs_of_an_earlier_name_are_removed(tmp_path: Path, prune: Prune, settings: dict[str, object]) -> None:
    assert len(prune(OLD, **settings)[1]) == 6
    assert len(outputs(tmp_path)) == 6


def test_nothing_is_removed_without_prune(tmp_path: Path, prune: Prune) -> None:
    assert prune(prune=False)[1] == []
    assert len(outputs(tmp_path)) == 9


def test_a_dry_run_lists_them_before_the_new_ones_exist(tmp_path: Path, prune: Prune) -> None:
    summary, pruned = prune(dry_run=True)
    assert (pruned, summary.pruned, len(outputs(tmp_path))) == (STALE, 3, 6)


def test_altered_and_foreign_files_are_kept(tmp_path: Path, prune: Prune) -> None:
    (tmp_path / "out/0-16w.jpg").write_bytes(b"mine now")
    (tmp_path / "out/1-32w.jpg").write_bytes(b"mine")
    assert prune()[1] == STALE[1:]
    assert {"0-16w.jpg", "1-32w.jpg"} < set(outputs(tmp_path))


def test_outputs_of_sources_that_the_run_leaves_out_are_kept(tmp_path: Path, prune: Prune) -> None:
    excluded = Selection(rules=(Rule(include=False, pattern="sub/"),))
    assert prune(selection=excluded)[1] == STALE[:2]
    assert prune(source_filter=lambda source: source.relative != "sub/2.jpg")[1] == []
    assert prune(files_from=lambda: ["0.jpg"])[1] == []
    assert prune(files_from=lambda: ["sub/2.jpg"])[1] == STALE[2:]


def test_each_shard_removes_those_of_its_sources(tmp_path: Path, prune: Prune) -> None:
    first, second = (prune(shard=Shard(number, 2))[1] for number in (1, 2))
    assert sorted([*first, *second]) == STALE
    assert first
    assert second


def test_outputs_are_kept_while_the_new_ones_of_their_source_fail(tmp_path: Path, photos: Path, prune: Prune) -> None:
    (photos / "0.jpg").write_bytes(b"\xff\xd8\xff broken")
    summary, pruned = prune()
    assert (pruned, summary.failed > 0) == (STALE[1:], True)
    assert "0-16w.jpg" in outputs(tmp_path)


def test_a_rendition_that_is_left_out_as_a_duplicate_counts_as_made(tmp_path: Path, prune: Prune) -> None:
    assert prune(Recipe.of(width=[8, 4000, 5000]))[1] == STALE


def test_an_output_that_another_source_has_now_is_kept(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/b.jpg")
    serial = Settings(serial=True, name="{stem}{ext}")
    run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), settings=serial)
    draw(tmp_path / "in/a.png")
    suffixed = Settings(serial=True, prune=True, on_collision=OnCollision.SUFFIX, if_exists=IfExists.SKIP)
    summary = run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8, format="jpeg"), settings=suffixed)
    # a.jpg and a.png are a-jpg.jpg and a-png.jpg now.
    assert (summary.pruned, outputs(tmp_path)) == (1, ["a-jpg.jpg", "a-png.jpg", "b.jpg"])


def test_names_that_differ_in_case_only_are_one_where_the_store_ignores_case(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "in/A.JPG")
    asked = Settings(serial=True, prune=True)
    run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), settings=asked)
    insensitive = replace(LocalStore(str(tmp_path / "out")).probe(), case_sensitive=False)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "probe", lambda _: insensitive)
        assert run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8, format="jpeg"), settings=asked).pruned == 0
    assert run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8, format="jpeg"), settings=asked).pruned == 1


def test_outputs_that_hold_a_hash_are_removed_when_their_source_changes(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "in/b.jpg")
    hashed = Settings(serial=True, prune=True, name="{stem}.{hash8}{ext}")
    run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), settings=hashed)
    before = outputs(tmp_path)
    os.utime(tmp_path / "in/a.jpg", (5, 5))
    assert run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), settings=hashed).pruned == 1
    after = outputs(tmp_path)
    assert (len(after), before[1], before[0] in after) == (2, after[1], False)


def test_the_limit_counts_them(tmp_path: Path, prune: Prune) -> None:
    summary, pruned = prune(max_prune=MaxPrune(2, percent=False))
    assert (pruned, summary.exit_code, len(outputs(tmp_path))) == ([], 3, 9)
    assert str(summary.refused).startswith("3 of 9 outputs would be removed (3 that the recipe no longer asks for)")
