"""Makes pages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forkresize.outcome import Outcome
from forkresize.report.html import DrawExcerpts, Excerpt, HtmlReport, RunInfo
from forkresize.report.outcome_store import OutcomeStore
from forkresize.summary import RunStats, summarize
from tests.protocols import MakePage

STARTED = datetime(2026, 11, 23, 8, 47, tzinfo=UTC)


def draw_none(_excerpts: Sequence[Excerpt]) -> Mapping[Excerpt, bytes]:
    return {}


@pytest.fixture
def made(tmp_path: Path) -> MakePage:
    def make(
        *outcomes: Outcome, draw: DrawExcerpts = draw_none, info: Mapping[str, Any] | None = None, **ending: Any
    ) -> str:
        run = RunInfo(**{"sources": ["in"], "destination": "out", "started": STARTED, **(info or {})})
        path = tmp_path / "run.html"
        with OutcomeStore() as store, HtmlReport(str(path), run, store, draw) as report:
            for outcome in outcomes:
                store.on_outcome(outcome)
                report.on_outcome(outcome)
            stats = RunStats(seconds=4, workers=2, workers_lost=1, busy_seconds=6)
            report.on_finish(summarize(report.tally, stats, **ending))
        return path.read_text("utf-8")

    return make
