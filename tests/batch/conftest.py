"""A picture, and runs whose workers write something else."""

from pathlib import Path
from typing import Any

import pytest

from forkresize import Outcome, PoolOptions, Recipe, Settings, Summary, run
from forkresize.pool import SandboxMode
from forkresize.store import LocalStore
from tests.batch.placed import Make, Stage
from tests.protocols import Draw


@pytest.fixture
def photo(tmp_path: Path, draw: Draw) -> Path:
    return draw(tmp_path / "in/a.jpg")


@pytest.fixture
def make(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Run with workers that do something else instead of writing a staged file: given its path and data."""
    real = LocalStore.stage

    def make_all(
        stage: Stage | None = None,
        widths: Any = 16,
        sandbox: SandboxMode = SandboxMode.OFF,
        retries: int = 0,
        **settings: Any,
    ) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        if stage is not None:
            monkeypatch.setattr(LocalStore, "stage", lambda store, key, data: stage(store.location(key), data))
        asked = Settings(pool=PoolOptions(workers=1, retries=retries), sandbox=sandbox, **settings)
        recipe = Recipe.of(width=widths)
        summary = run([photo.parent], tmp_path / "out", recipe, settings=asked, observers=[outcomes.append])
        monkeypatch.setattr(LocalStore, "stage", real)
        return summary, outcomes

    return make_all
