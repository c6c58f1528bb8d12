"""When the page is written, and which files it replaces."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forkresize.errors import DestinationError, UsageError
from forkresize.report.html import Excerpt, HtmlReport, RunInfo
from forkresize.report.outcome_store import OutcomeStore
from tests.protocols import MakeOutcome, MakePage

INFO = RunInfo(["in"], "out", datetime(2026, 11, 23, 8, 47, tzinfo=UTC))


def _none(_excerpts: Sequence[Excerpt]) -> Mapping[Excerpt, bytes]:
    return {}


def _report(path: Path, store: OutcomeStore) -> HtmlReport:
    return HtmlReport(str(path), INFO, store, _none)


@pytest.fixture
def store() -> Iterator[OutcomeStore]:
    with OutcomeStore() as opened:
        yield opened


def test_run_ended_by_an_error_has_a_page(tmp_path: Path, written: MakeOutcome, store: OutcomeStore) -> None:
    report = _report(tmp_path / "run.html", store)
    store.on_outcome(written())
    report.on_outcome(written())
    with pytest.raises(DestinationError), report:
        raise DestinationError("the disk is <full>")
    assert "Stopped by the disk is &lt;full&gt;" in (tmp_path / "run.html").read_text()


def test_refused_run_keeps_the_last_page(tmp_path: Path, made: MakePage, store: OutcomeStore) -> None:
    last = made()
    with pytest.raises(UsageError), _report(tmp_path / "run.html", store):
        raise UsageError("no")
    assert (tmp_path / "run.html").read_text("utf-8") == last


def test_other_pages_are_not_replaced(tmp_path: Path, store: OutcomeStore) -> None:
    path = tmp_path / "index.html"
    path.write_text("<!doctype html><title>Mine</title>")
    with pytest.raises(UsageError, match="remove it first"):
        _report(path, store)


def test_missing_directory_is_refused_at_once(tmp_path: Path, store: OutcomeStore) -> None:
    with pytest.raises(UsageError, match="no directory"):
        _report(tmp_path / "missing/run.html", store)
