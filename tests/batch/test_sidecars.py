"""Sidecars: files next to a picture that are not pictures, but would have the same output."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forkresize import IfExists, MaxPrune, Outcome, PoolOptions, Recipe, Settings, Summary, run
from forkresize.outcome import Reason, Skipped
from tests.protocols import Draw

Make = Callable[..., tuple[Summary, list[Outcome]]]
RECIPE = Recipe.of(width=16, format="webp")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Run with settings; return the summary and what was outcomes."""

    def make_all(**settings: Any) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        asked = Settings(pool=PoolOptions(workers=1, retries=0), **settings)
        summary = run([tmp_path / "in"], tmp_path / "out", RECIPE, settings=asked, observers=[outcomes.append])
        return summary, outcomes

    return make_all


@pytest.fixture
def sidecar(tmp_path: Path, draw: Draw) -> Path:
    """A picture, and a file next to it that is not a picture but would have the same output."""
    draw(tmp_path / "in/a.jpg")
    path = tmp_path / "in/a.xmp"
    path.write_text("<x/>")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"ledger": False}, {"if_exists": IfExists.SKIP}])
def test_a_sidecar_does_not_affect_its_picture(sidecar: Path, make: Make, settings: dict[str, Any]) -> None:
    for second in (False, True, True):
        _, outcomes = make(**settings)
        statuses = {Path(outcome.source.path).name: outcome.status for outcome in outcomes}
        there = "skipped" if "if_exists" in settings else "unchanged"
        assert statuses == {"a.jpg": there if second else "written", "a.xmp": "skipped"}
        assert [each.reason for each in outcomes if isinstance(each.detail, Skipped)][-1] in {
            Reason.NOT_A_PICTURE,
            Reason.EXISTS,
        }


@pytest.mark.slow
def test_an_output_is_pruned_even_if_a_sidecar_remains(tmp_path: Path, sidecar: Path, make: Make) -> None:
    make()
    (tmp_path / "in/a.jpg").unlink()
    assert make()[0].skipped == 1
    assert make(prune=True, max_prune=MaxPrune(100))[0].pruned == 1
    assert make()[0].skipped == 1
    assert os.listdir(tmp_path / "out") == [".forkresize"]
