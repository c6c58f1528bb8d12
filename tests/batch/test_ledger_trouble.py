"""A ledger that fails during a run stops it like a full disk does; everything that was made is reported."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize import Failed, Outcome, PoolOptions, Recipe, Settings, Summary, Unchanged, Written, run
from forkresize.errors import LedgerError
from forkresize.exit_policy import ExitCode
from forkresize.ledger.sqlite import SqliteLedger, connection, ledger, schema
from tests.protocols import Draw

Make = Callable[..., tuple[Summary, list[Outcome]]]

PICTURES = 24


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """Pictures whose long names fill a ledger soon."""
    for number in range(PICTURES):
        draw(tmp_path / "in" / f"{number:02}{'x' * 200}.jpg", seed=number)
    return tmp_path / "in"


@pytest.fixture
def make(tmp_path: Path, photos: Path) -> Make:
    """Run with settings, in place if no output directory is named; return the summary and what was outcomes."""

    def make_all(out: str = "out", **settings: Any) -> tuple[Summary, list[Outcome]]:
        outcomes: list[Outcome] = []
        asked = Settings(**{"pool": PoolOptions(workers=2, retries=0), **settings})
        summary = run([photos], tmp_path / out, Recipe.of(width=16), settings=asked, observers=[outcomes.append])
        return summary, outcomes

    return make_all


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let the ledger's file grow no further than its tables, and have every entry written at once."""

    def connect(path: str, **options: Any) -> sqlite3.Connection:
        connection = schema.connect(path, **options)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(ledger, "connect", connect)
    monkeypatch.setattr(ledger, "_BATCH", 1)
    return monkeypatch


def widths(folder: Path) -> list[int]:
    found = []
    for path in folder.glob("*.jpg"):
        with Image.open(path) as image:
            image.load()
            found.append(image.width)
    return found


@pytest.mark.slow
def test_outputs_written_before_the_ledger_was_full_are_reported(
    tmp_path: Path, make: Make, full: pytest.MonkeyPatch
) -> None:
    summary, outcomes = make()
    assert summary.exit_code == ExitCode.FATAL
    assert "disk is full" in str(summary.stopped_by)
    written = [str(outcome.destination) for outcome in outcomes if isinstance(outcome.detail, Written)]
    assert sorted(written) == sorted(map(str, (tmp_path / "out").glob("*.jpg")))
    assert 0 < len(written) == len(outcomes) < PICTURES
    full.undo()
    summary, _ = make()
    assert (summary.exit_code, summary.written + summary.unchanged) == (0, PICTURES)
    assert make()[0].unchanged == PICTURES


@pytest.mark.slow
def test_in_place_no_source_is_replaced_without_its_record(
    tmp_path: Path, photos: Path, make: Make, full: pytest.MonkeyPatch
) -> None:
    summary, outcomes = make("in", in_place=True, no_backup=True)
    assert summary.exit_code == ExitCode.FATAL
    replaced = sum(isinstance(outcome.detail, Written) for outcome in outcomes)
    refused = [outcome.error for outcome in outcomes if isinstance(outcome.detail, Failed)]
    assert refused
    assert all("disk is full" in error for error in refused)
    assert sorted(widths(photos)) == [16] * replaced + [64] * (PICTURES - replaced)
    assert not list(photos.glob(".*.jpg*"))
    full.undo()
    summary, _ = make("in", in_place=True, no_backup=True)
    assert (summary.exit_code, summary.unchanged) == (0, replaced)
    assert widths(photos) == [16] * PICTURES


def test_a_ledger_that_becomes_unreadable_stops_the_run(
    tmp_path: Path, photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def get(self: SqliteLedger, key: str) -> None:
        asked.append(key)
        if len(asked) > 5:
            raise LedgerError("disk I/O error")

    monkeypatch.setattr(SqliteLedger, "get", get)
    summary, outcomes = make(order="path")
    assert (summary.exit_code, summary.stopped_by) == (ExitCode.FATAL, "disk I/O error")
    assert 0 < summary.written == len(outcomes) == len(widths(tmp_path / "out")) <= 5


@pytest.mark.slow
def test_after_a_failed_close_the_next_run_checks_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: SqliteLedger) -> None:
        raise LedgerError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteLedger, "flush", refuse)
        patch.setattr(SqliteLedger, "record", lambda *_: None)
        summary, _ = make()
    assert (summary.exit_code, summary.stopped_by, summary.written) == (
        ExitCode.FATAL,
        "disk I/O error",
        PICTURES,
    )
    assert make()[0].written == PICTURES
    assert all(isinstance(outcome.detail, Unchanged) for outcome in make()[1])


@pytest.mark.slow
def test_pruned_outputs_are_reported_even_if_the_ledger_cannot_forget_them(
    photos: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise LedgerError("disk I/O error")

    make()
    next(photos.iterdir()).unlink()
    monkeypatch.setattr(SqliteLedger, "forget", refuse)
    summary, _ = make(prune=True)
    assert (summary.pruned, summary.unchanged, summary.exit_code) == (1, PICTURES - 1, ExitCode.FATAL)


@pytest.mark.slow
def test_a_locked_ledger_stops_the_run_soon(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT", 0.5)
    monkeypatch.setattr(ledger, "_BATCH", 1)
    locks: list[sqlite3.Connection] = []

    def lock(_outcome: Outcome) -> None:
        if not locks:
            locks.append(sqlite3.connect(schema.ledger_path(str(tmp_path / "out")), isolation_level=None))
            locks[0].execute("BEGIN IMMEDIATE")

    settings = Settings(pool=PoolOptions(workers=2, retries=0))
    began = time.monotonic()
    summary = run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=20), settings=settings, observers=[lock])
    locks[0].close()
    assert (summary.exit_code, "database is locked" in str(summary.stopped_by)) == (ExitCode.FATAL, True)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_pipe_instead_of_the_ledger_is_refused_at_once(tmp_path: Path, make: Make, dry_run: bool) -> None:
    path = Path(schema.ledger_path(str(tmp_path / "out")))
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(LedgerError, match="a named pipe in the place of a regular file; remove it"):
        make(dry_run=dry_run)
