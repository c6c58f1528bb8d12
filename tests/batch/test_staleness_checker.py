"""The effects around the staleness decision: what is looked at, hashed and recorded, and how often."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.job import Job, Output, Source
from forkresize.ledger import LedgerStore, NullLedger, OutputRecord, RecipeFingerprints, open_ledger
from forkresize.outcome import Failed, Outcome, OutputRef, Planned, Reason, Unchanged, Written
from forkresize.plan import Compare, IfExists, Policy
from forkresize.plan.staleness import Rules
from tests.store.memory import MemoryStore

FINGERPRINTS = RecipeFingerprints(renditions=(b"one", b"two"), combined=b"all", limits={})
OUTPUTS = (Output("a-1.jpg", 0), Output("a-2.jpg", 1))
WRITTEN = Written(out_bytes=6, in_size=(64, 48), out_size=(16, 12), in_format="jpeg", out_format="jpeg")

Check = Callable[[Policy], StalenessChecker]


class CountingStore(MemoryStore):
    """Counts how often objects are opened."""

    opened = 0

    def open(self, key: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 -- as the method that it counts.
        self.opened += 1
        return super().open(key)


@pytest.fixture
def sources() -> CountingStore:
    store = CountingStore("sources")
    store.put("in/a.jpg", b"a picture")
    return store


@pytest.fixture
def outputs() -> MemoryStore:
    return MemoryStore("outputs")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[LedgerStore]:
    os.mkdir(tmp_path / ".forkresize")
    with open_ledger(str(tmp_path)) as ledger:
        ledger.begin_run()
        yield ledger


@pytest.fixture
def checker(sources: MemoryStore, outputs: MemoryStore, ledger: LedgerStore) -> Check:
    return lambda policy: StalenessChecker(sources, outputs, ledger, Rules(policy, lambda: FINGERPRINTS))


def found(sources: MemoryStore) -> Source:
    info = sources.stat("in/a.jpg")
    assert info is not None
    return Source("in/a.jpg", "a.jpg", info.size, info.mtime_ns)


def write(checker: StalenessChecker, outputs: MemoryStore, source: Source) -> None:
    """Do what a run does about a source whose outputs have to be made."""
    assert {type(checker.check(source, output).detail) for output in OUTPUTS} == {Planned}
    for output in OUTPUTS:
        outputs.put(output.key, b"output")
    outcomes = [Outcome(OutputRef(source, outputs.location(each.key), each.rendition), WRITTEN) for each in OUTPUTS]
    checker.record(Job(source, OUTPUTS), outcomes)


def test_what_was_recorded_is_unchanged(checker: Check, sources: CountingStore, outputs: MemoryStore) -> None:
    write(checker(Policy()), outputs, found(sources))
    for output in OUTPUTS:
        outcome = checker(Policy()).check(found(sources), output)
        assert isinstance(outcome.detail, Unchanged)
        assert outcome.destination == outputs.location(output.key)
    assert sources.opened == 0


def test_a_source_is_hashed_once_for_all_of_its_outputs(
    checker: Check, sources: CountingStore, outputs: MemoryStore
) -> None:
    by_content = Policy(compare=Compare.CHECKSUM)
    write(checker(by_content), outputs, found(sources))
    assert sources.opened == 1
    sources.put("in/a.jpg", b"a picture")
    again = checker(by_content)
    assert {type(again.check(found(sources), output).detail) for output in OUTPUTS} == {Unchanged}
    assert sources.opened == 2
    sources.put("in/a.jpg", b"A picture")
    changed = checker(by_content).check(found(sources), OUTPUTS[0]).detail
    assert changed == Planned("the source's content changed")


def test_a_source_that_cannot_be_hashed_is_left_to_its_worker(
    checker: Check, sources: CountingStore, outputs: MemoryStore
) -> None:
    by_content = Policy(compare=Compare.CHECKSUM)
    write(checker(by_content), outputs, found(sources))
    source = found(sources)
    sources.delete("in/a.jpg")
    assert isinstance(checker(by_content).check(source, OUTPUTS[0]).detail, Planned)


def test_without_a_ledger_nothing_is_hashed_or_recorded(sources: CountingStore, outputs: MemoryStore) -> None:
    rules = Rules(Policy(compare=Compare.CHECKSUM), lambda: FINGERPRINTS)
    write(StalenessChecker(sources, outputs, NullLedger(), rules), outputs, found(sources))
    assert sources.opened == 0


def test_records_are_not_read_for_outputs_that_exist_unless_they_are_updated(
    checker: Check, sources: CountingStore, outputs: MemoryStore, ledger: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checker(Policy()), outputs, found(sources))
    monkeypatch.setattr(ledger, "get", lambda _: pytest.fail("the ledger was read"))
    for if_exists in (IfExists.SKIP, IfExists.OVERWRITE, IfExists.ERROR):
        checker(Policy(if_exists=if_exists)).check(found(sources), OUTPUTS[0])


def test_an_output_that_cannot_be_looked_at_is_a_failure(
    checker: Check, sources: CountingStore, outputs: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(outputs, "stat", refuse)
    detail = checker(Policy()).check(found(sources), OUTPUTS[0]).detail
    assert detail == Failed(Reason.NOT_WRITTEN, "Permission denied")


def test_a_failure_is_not_recorded_over_an_output_of_another_source(
    checker: Check, sources: CountingStore, outputs: MemoryStore, ledger: LedgerStore
) -> None:
    write(checker(Policy()), outputs, found(sources))
    sidecar = Source("in/a.xmp", "a.xmp", 1, 1)
    failed = [Outcome(OutputRef(sidecar), Failed(Reason.DAMAGED))]
    checker(Policy()).record(Job(sidecar, OUTPUTS), failed)
    assert {record.status for record in ledger.iter_records()} == {"written"}
    outputs.delete("a-1.jpg")
    checker(Policy()).record(Job(sidecar, OUTPUTS), failed)
    assert sorted(record.status for record in ledger.iter_records()) == ["failed", "written"]


def test_a_staged_output_is_recorded_with_its_content(
    checker: Check, sources: CountingStore, outputs: MemoryStore, ledger: LedgerStore
) -> None:
    source, (output, _) = found(sources), OUTPUTS
    outputs.put("staged", b"output")
    outputs.set_mtime("staged", 500)
    outcome = Outcome(OutputRef(source, outputs.location(output.key)), WRITTEN)
    checker(Policy()).record(Job(source, (output,)), [outcome], "staged")
    record: OutputRecord | None = ledger.get(output.key)
    assert record is not None
    assert (record.mtime_ns, record.hash is not None) == (500, True)
