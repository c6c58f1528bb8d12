"""Rows that are compared with many outputs at once: what matches is what its record says."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.ledger import OutputRecord, OutputStates
from forkresize.ledger.sqlite import SqliteLedger

ROOT, RECIPE = "/in", b"recipe"
KEYS = ["a.jpg", "a/b.jpg", "a-1.jpg", "b.jpg", "\udcff.jpg", "é.jpg"]
FIELDS: dict[str, list[object]] = {
    "root": ["/in", "/other"],
    "source": ["a.jpg", "b.jpg"],
    "source_size": [1, 2],
    "source_mtime_ns": [10, 20],
    "recipe": [b"recipe", b"other"],
    "status": ["written", "skipped"],
    "size": [5, 6],
    "mtime_ns": [7, 8],
    "etag": [None, "tag"],
    "run": [1, 2],
}
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(KEYS), st.fixed_dictionaries({name: st.sampled_from(each) for name, each in FIELDS.items()})
    ),
    unique_by=lambda each: each[0],
)


def open_new(top: str) -> SqliteLedger:
    Path(top, ".forkresize").mkdir()
    return SqliteLedger(top)


def states(keys: Sequence[str], source: str | None = None) -> OutputStates:
    count = len(keys)
    sources = list(keys) if source is None else [source] * count
    return OutputStates(ROOT, keys, sources, [1] * count, [10] * count, RECIPE, [5] * count, [7] * count)


@settings(deadline=None)
@given(RECORDS, st.lists(st.sampled_from(KEYS), unique=True))
def test_an_output_matches_if_its_record_has_its_state(
    records: Sequence[tuple[str, dict[str, object]]], keys: Sequence[str]
) -> None:
    with tempfile.TemporaryDirectory() as top, open_new(top) as ledger:
        base = OutputRecord("", "", "", 0, 0, None, b"", "")
        ledger.record(base._replace(key=key, **fields) for key, fields in records)  # type: ignore[arg-type]
        ledger.flush()
        known = {key: ledger.get(key) for key in keys}
        expected = [
            record.run
            if record is not None
            and (record.root, record.source, record.source_size, record.source_mtime_ns) == (ROOT, "a.jpg", 1, 10)
            and (record.recipe, record.status, record.size, record.mtime_ns) == (RECIPE, "written", 5, 7)
            and record.etag is None
            else None
            for record in known.values()
        ]
        assert ledger.match(states(list(keys), "a.jpg")) == expected


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return open_new(str(tmp_path))


def plain(key: str) -> OutputRecord:
    return OutputRecord(key, ROOT, key, 1, 10, None, RECIPE, "written", run=3, size=5, mtime_ns=7)


def test_what_is_not_written_yet_does_not_match(ledger: SqliteLedger) -> None:
    with ledger:
        ledger.record([plain("a.jpg")])
        assert ledger.match(states(["a.jpg", "b.jpg"])) == [None, None]
        ledger.flush()
        assert ledger.match(states(["a.jpg", "b.jpg"])) == [3, None]


def test_outputs_with_many_rows_between_are_left_to_single_look_ups(ledger: SqliteLedger) -> None:
    with ledger:
        between = [f"b/{number:03}.jpg" for number in range(300)]
        ledger.record(map(plain, ["a.jpg", *between, "c.jpg"]))
        ledger.flush()
        assert ledger.match(states(["a.jpg", "c.jpg"])) == [3, None]
        assert ledger.match(states(between)) == [3] * len(between)


def test_outputs_match_in_any_order_each_with_its_run(ledger: SqliteLedger) -> None:
    names = ["b.jpg", "c.jpg", "a.jpg"]
    with ledger:
        ledger.record(plain(name)._replace(run=number) for number, name in enumerate(names))
        ledger.flush()
        assert ledger.match(states(names)) == [0, 1, 2]
        assert ledger.match(states(sorted(names))) == [2, 0, 1]
        ledger.record([plain("b.jpg")._replace(size=6)])
        ledger.flush()
        assert ledger.match(states(sorted(names))) == [2, None, 1]


def test_names_of_any_bytes_match(ledger: SqliteLedger) -> None:
    names = [os.fsdecode(bytes([value, 0x2E])) for value in range(1, 256) if value not in {0x2E, 0x2F}]
    with ledger:
        ledger.record(map(plain, names))
        ledger.flush()
        assert ledger.match(states(names)) == [3] * len(names)


def test_no_outputs_match_nothing(ledger: SqliteLedger) -> None:
    with ledger:
        assert ledger.match(states([])) == []
