"""The temporary database of outcomes."""

import itertools
import resource
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from forkresize.errors import DestinationError, ForkresizeError
from forkresize.formats.header import Header
from forkresize.outcome import Outcome, OutputRef
from forkresize.report.outcome_store import OutcomeStore
from tests.protocols import MakeOutcome


def _store_all(store: OutcomeStore, outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        store.on_outcome(outcome)


def test_outcomes_are_stored_with_the_seconds_since_the_start(outcomes: list[Outcome]) -> None:
    with OutcomeStore(clock=itertools.count(10.0).__next__) as store:
        for outcome in outcomes:
            store.on_outcome(outcome)
        rows = list(store.rows("ORDER BY rowid"))
    assert [(row.status, row.ended) for row in rows] == [
        ("written", 1.0),
        ("unchanged", 2.0),
        ("skipped", 3.0),
        ("failed", 4.0),
    ]
    assert (rows[0].source, rows[0].out_width, rows[0].in_format, rows[0].worker) == (b"in/a.jpg", 800, "jpeg", 4711)
    assert (rows[3].reason, rows[3].error, rows[3].out_bytes) == ("damaged or truncated", "truncated", None)


def test_first_executed_outcome_of_a_source_is_marked(written: MakeOutcome, unchanged: MakeOutcome) -> None:
    first = written()
    second = replace(first, ref=OutputRef(first.source, "out/a-2.jpg", 1))
    with OutcomeStore() as store:
        for outcome in (first, second, unchanged(), written("b.jpg")):
            store.on_outcome(outcome)
        assert [row.is_first for row in store.rows("ORDER BY rowid")] == [1, 0, 0, 1]


def test_headers_are_read_only_with_a_probe(unchanged: MakeOutcome) -> None:
    with OutcomeStore() as store:
        store.on_outcome(unchanged())
        assert [row.out_format for row in store.rows("")] == [None]


def test_unreadable_outputs_are_counted(unchanged: MakeOutcome) -> None:
    def damaged(path: str) -> Header:
        raise ForkresizeError("" if path == "out/u.jpg" else "damaged")

    with OutcomeStore(damaged) as store:
        store.on_outcome(unchanged())
        store.on_outcome(unchanged("v.jpg"))
        assert store.unreadable == 2
        assert store.first_error == "out/u.jpg: not a picture"


def test_full_disk_raises_an_error(written: MakeOutcome) -> None:
    with OutcomeStore() as store:
        list(store.query("PRAGMA max_page_count = 3"))
        with pytest.raises(DestinationError, match=r"cannot store outcomes in a temporary file: .*disk is full"):
            _store_all(store, (written(f"{number}.jpg") for number in range(10_000)))


def test_no_room_for_sorting_raises_an_error(failed: MakeOutcome) -> None:
    with OutcomeStore() as store:
        _store_all(store, (failed(f"{number}.jpg", error="x" * 4000) for number in range(2000)))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            with pytest.raises(DestinationError, match="cannot store outcomes in a temporary file: "):
                list(store.rows("ORDER BY error, name"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
