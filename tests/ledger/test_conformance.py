"""What every ledger must do. A new ledger is added to LEDGERS in conftest.py and has to pass all of this."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkresize.ledger import LedgerStore, OutputRecord

Open = Callable[[], LedgerStore]

name_bytes = st.sampled_from([each for each in range(256) if each not in {0, ord("/")}])
names = st.lists(name_bytes, min_size=1, max_size=40).map(bytes).filter(lambda name: name not in {b".", b".."})
each_ledger = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
records = st.builds(
    OutputRecord,
    key=names.map(os.fsdecode),
    root=names.map(lambda name: f"/{os.fsdecode(name)}"),
    source=names.map(os.fsdecode),
    source_size=numbers,
    source_mtime_ns=numbers,
    source_hash=st.none() | st.binary(max_size=16),
    recipe=st.binary(max_size=8),
    status=st.sampled_from(["written", "skipped", "failed"]),
    reason=st.none() | texts,
    error=st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=20),
    signal=st.none() | st.just("SIGSEGV"),
    covers_all=st.integers(0, 1),
    limit_value=st.none() | st.floats(0, 1e18),
    attempts=st.integers(0, 9),
    run=st.integers(0, 99),
    size=numbers,
    mtime_ns=numbers,
    width=st.none() | st.integers(1, 9999),
    height=st.none() | st.integers(1, 9999),
    format=st.none() | st.just("jpeg"),
    hash=st.none() | st.binary(max_size=16),
    source_etag=st.none() | texts,
    source_version=st.none() | texts,
    etag=st.none() | texts,
    version=st.none() | texts,
)


def record(key: str, **others: Any) -> OutputRecord:
    about = OutputRecord(key, "/in", key, 10, 20, None, b"recipe", "written", run=1, size=5, mtime_ns=6)
    return about._replace(**others)


def test_a_new_ledger_holds_nothing(open_any: Open) -> None:
    with open_any() as ledger:
        assert ledger.get("a.jpg") is None
        assert list(ledger.iter_records()) == []
        assert ledger.get_many(["a.jpg"]) == {}
        assert list(ledger.interrupted_runs()) == []
        assert ledger.run == 0
        ledger.forget(["a.jpg"])


def test_a_ledger_is_closed_twice_without_harm(open_any: Open) -> None:
    with open_any() as ledger:
        ledger.begin_run()
        ledger.record([record("a.jpg")])
        ledger.close()
        ledger.close()


def test_records_are_kept_if_and_only_if_the_ledger_is_persistent(open_any: Open) -> None:
    with open_any() as ledger:
        ledger.record([record("a.jpg")])
    with open_any() as ledger:
        assert (ledger.get("a.jpg") is not None) is ledger.persistent


@pytest.mark.slow
@each_ledger
@given(kept=st.lists(records, max_size=5))
def test_records_are_returned_at_once_and_after_reopening(open_persistent: Open, kept: list[OutputRecord]) -> None:
    expected = {each.key: each for each in kept}
    with open_persistent() as ledger:
        ledger.record(kept)
        assert {key: ledger.get(key) for key in expected} == expected
    with open_persistent() as ledger:
        assert {key: ledger.get(key) for key in expected} == expected
        assert ledger.get("missing/key") is None
        assert ledger.get_many([*expected, "missing/key"]) == expected
        ledger.prefetch([*expected, "missing/key"])
        assert {key: ledger.get(key) for key in [*expected, "missing/key"]} == {**expected, "missing/key": None}
        assert list(ledger.iter_records()) == sorted(expected.values(), key=lambda each: os.fsencode(each.key))
        ledger.forget(expected)
        assert list(ledger.iter_records()) == []


@pytest.mark.slow
@each_ledger
@given(keys=st.sets(names.map(os.fsdecode), min_size=1, max_size=30))
def test_keys_of_any_bytes_are_found_in_any_order(open_persistent: Open, keys: set[str]) -> None:
    kept = sorted(keys)[::2]
    with open_persistent() as ledger:
        ledger.record(map(record, kept))
    with open_persistent() as ledger:
        for key in sorted(keys) + sorted(keys, reverse=True) + list(keys):
            found = ledger.get(key)
            assert (found is not None) is (key in kept)
            assert found is None or found.key == key
        ledger.forget(kept)


def test_a_later_record_replaces_an_earlier_one(open_persistent: Open) -> None:
    with open_persistent() as ledger:
        ledger.record(record(f"{number:04}.jpg") for number in range(2000))
        for number in range(1000):
            assert ledger.get(f"{number:04}.jpg") is not None
        ledger.record([record("1000.jpg", size=77), record("1000.png")])
        assert [each.size for each in map(ledger.get, ("1000.jpg", "1000.png", "1001.jpg")) if each] == [77, 5, 5]
    with open_persistent() as ledger:
        assert ledger.get("1000.jpg") == record("1000.jpg", size=77)


def test_forgotten_records_are_gone_and_the_others_stay(open_persistent: Open) -> None:
    with open_persistent() as ledger:
        ledger.record(map(record, "abc"))
        assert ledger.get("b") is not None
        ledger.forget(["b", "missing"])
        assert [each.key for each in ledger.iter_records()] == ["a", "c"]
        assert ledger.get("b") is None


def test_every_run_has_a_number_of_its_own(open_persistent: Open) -> None:
    runs = []
    for _ in range(3):
        with open_persistent() as ledger:
            ledger.begin_run()
            runs.append(ledger.run)
    assert runs == sorted(set(runs))
    assert runs[0] > 0


def test_a_run_that_did_not_end_counts_as_interrupted(open_persistent: Open) -> None:
    before = time.time_ns()
    killed = open_persistent()
    killed.begin_run()
    for _ in range(2):
        with open_persistent() as ledger:
            ledger.begin_run()
            (interrupted,) = ledger.interrupted_runs()
            assert interrupted.number == killed.run != ledger.run
            assert before <= interrupted.started_ns <= interrupted.ended_ns <= time.time_ns()
    killed.close()
    with open_persistent() as ledger:
        assert list(ledger.interrupted_runs()) == []


def test_two_runs_write_one_ledger_at_the_same_time(open_persistent: Open) -> None:
    with open_persistent() as one, open_persistent() as other:
        one.begin_run()
        other.begin_run()
        assert one.run != other.run
        one.record([record("a", root="/one")])
        one.close()
        other.record([record("b", root="/two")])
        assert [each.root for each in map(other.get, "ab") if each] == ["/one", "/two"]
    with open_persistent() as ledger:
        assert [each.root for each in ledger.iter_records()] == ["/one", "/two"]
        assert list(ledger.interrupted_runs()) == []


def test_records_that_wait_to_be_written_are_found(open_persistent: Open) -> None:
    with open_persistent() as ledger:
        ledger.record([record("a"), record("b")])
        ledger.prefetch(["a", "c"])
        ledger.record([record("a", size=77), record("c")])
        found = ledger.get_many(["a", "b", "c", "d"])
        assert found == {"a": record("a", size=77), "b": record("b"), "c": record("c")}
        assert [ledger.get(key) for key in "abcd"] == [found["a"], found["b"], found["c"], None]


def test_a_prefetched_record_is_as_it_was_recorded_or_forgotten_last(open_persistent: Open) -> None:
    with open_persistent() as ledger:
        ledger.record([record("a"), record("b")])
        ledger.prefetch(["a", "b"])
        ledger.record(record("a", size=77) for _ in range(5000))
        ledger.record(record(f"{number:05}") for number in range(5000))
        ledger.forget(["b"])
        assert ledger.get("a") == record("a", size=77)
        assert ledger.get("b") is None


@pytest.mark.slow
def test_records_are_listed_from_a_key_on(open_persistent: Open) -> None:
    keys = [f"{folder}/{number:04}" for folder in ("a", "a b", "b") for number in range(2500)]
    with open_persistent() as ledger:
        ledger.record(map(record, keys))
    with open_persistent() as ledger:
        assert [each.key for each in ledger.iter_records("a/")] == [key for key in sorted(keys) if key[:2] == "a/"]
        assert [each.key for each in ledger.iter_records("a/", "a/2498")] == ["a/2499"]
        assert [each.key for each in ledger.iter_records(after="b/2497")] == ["b/2498", "b/2499"]
        assert list(ledger.iter_records("c")) == []


def test_records_may_change_while_they_are_listed(open_persistent: Open) -> None:
    with open_persistent() as ledger:
        ledger.record(record(f"{number:04}") for number in range(3000))
        listed = []
        for each in ledger.iter_records():
            listed.append(each.key)
            if len(listed) % 500 == 1:
                ledger.record([each._replace(size=8)])
                ledger.get_many(listed[:10])
        assert listed == [f"{number:04}" for number in range(3000)]


def test_many_keys_are_looked_up_in_any_order(open_persistent: Open) -> None:
    keys = [f"{number}" for number in range(5000)]
    with open_persistent() as ledger:
        ledger.record(map(record, keys[::2]))
    with open_persistent() as ledger:
        assert ledger.get_many(keys[::-1]) == {key: record(key) for key in keys[::2]}


def test_a_run_that_another_process_began_is_joined_and_not_ended(open_persistent: Open) -> None:
    with open_persistent() as began:
        began.begin_run()
        with open_persistent() as node:
            node.join_run(began.run)
            node.record([record("a", run=node.run)])
        with open_persistent() as other:
            other.begin_run()
            assert [each.number for each in other.interrupted_runs()] == [began.run]


def test_a_ledger_that_is_held_can_be_written(open_any: Open) -> None:
    with open_any() as ledger:
        ledger.hold(None, 0.0, lambda: pytest.fail("no other run holds it"))
        ledger.begin_run()
        ledger.record([record("a")])
