"""The manifests and outcomes of a run: what is written is read, and what is damaged has a reason."""

import os
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from msgspec.structs import replace

from forkresize.batch.executor import NodeResult
from forkresize.batch.wire import WireOutcome
from forkresize.cluster.client.documents import RunDocuments
from forkresize.cluster.database.values import FinishedChunk
from forkresize.cluster.manifest import Header, JobOutcome, manifest_key, outcomes_key, write_outcomes
from forkresize.errors import DestinationError
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Reason, Skipped
from forkresize.store import LocalStore
from tests.cluster.client.conftest import SPEC

JOBS = [Job(Source(f"/in/{n}.jpg", f"{n}.jpg", 100 + n), (Output(f"{n}.jpg"),)) for n in range(6)]
HEADER = Header(run=7, chunk=1, spec=SPEC.digest, lines=0)
OUTCOMES = [
    JobOutcome(
        index=n,
        attempts=1,
        worker="node-1:4711",
        seconds=0.5,
        outcomes=[WireOutcome(None, Skipped(Reason.NOT_A_PICTURE, str(n)), ())],
    )
    for n in range(6)
]
CHUNK = FinishedChunk(
    sequence=1,
    number=1,
    manifest=manifest_key(7, 1),
    first=0,
    count=6,
    node="node-1",
    outcomes=outcomes_key(7, 1, 1),
    error="",
    attempt=1,
    seconds=1.0,
)


@pytest.fixture
def documents(store: LocalStore) -> RunDocuments:
    documents = RunDocuments(store, 7, SPEC.digest)
    documents.write(1, JOBS)
    return documents


def _errors(results: list[NodeResult]) -> set[str]:
    details = [outcome.detail for result in results for outcome in result.outcomes]
    return {detail.error for detail in details if isinstance(detail, Failed)}


def test_the_row_of_a_chunk_leads_to_its_jobs(documents: RunDocuments, store: LocalStore) -> None:
    row = documents.write(2, JOBS[:3])
    assert (row.number, row.first, row.count, row.size) == (2, 0, 3, 303)
    store.put(CHUNK.outcomes, write_outcomes([], HEADER))
    other = RunDocuments(store, 7, SPEC.digest)
    results = other.read(replace(CHUNK, manifest=row.manifest, count=3))
    assert [result.item for result in results] == JOBS[:3]


@pytest.mark.parametrize(("first", "count"), [(0, 6), (2, 3), (5, 1)])
def test_a_part_of_a_chunk_has_the_results_of_its_pictures(
    documents: RunDocuments, store: LocalStore, first: int, count: int
) -> None:
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES[first : first + count], HEADER))
    results = documents.read(replace(CHUNK, first=first, count=count))
    assert [result.item for result in results] == JOBS[first : first + count]
    assert [result.outcomes for result in results] == [each.outcomes for each in OUTCOMES[first : first + count]]
    assert {(result.worker, result.attempts, result.seconds) for result in results} == {("node-1:4711", 1, 0.5)}


def test_a_picture_without_an_outcome_has_failed(documents: RunDocuments, store: LocalStore) -> None:
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES[1:], HEADER))
    results = documents.read(CHUNK)
    assert _errors(results[:1]) == {"the node reported no outcome"}
    assert _errors(results[1:]) == set()


def test_all_pictures_have_failed_if_the_outcomes_are_missing(documents: RunDocuments) -> None:
    results = documents.read(CHUNK)
    assert len(results) == 6
    (error,) = _errors(results)
    assert error.startswith("its outcome cannot be read: ")
    assert "No such file" in error


def test_all_pictures_of_a_chunk_that_was_given_up_have_failed_for_its_reason(documents: RunDocuments) -> None:
    results = documents.read(replace(CHUNK, outcomes="", error="node-1: no such bucket"))
    assert len(results) == 6
    assert _errors(results) == {"node-1: no such bucket"}


@pytest.mark.parametrize("header", [replace(HEADER, run=8), replace(HEADER, spec="other")])
def test_outcomes_of_another_run_are_not_used(documents: RunDocuments, store: LocalStore, header: Header) -> None:
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES, header))
    (error,) = _errors(documents.read(CHUNK))
    assert "it belongs to run" in error


def test_outcomes_without_the_signature_of_the_cluster_are_not_used(store: LocalStore) -> None:
    documents = RunDocuments(store, 7, SPEC.digest, b"secret")
    documents.write(1, JOBS)
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES, HEADER))
    (error,) = _errors(documents.read(CHUNK))
    assert "no valid signature" in error
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES, HEADER, b"secret"))
    assert _errors(documents.read(CHUNK)) == set()


def test_a_manifest_that_cannot_be_read_ends_the_run(store: LocalStore) -> None:
    with pytest.raises(DestinationError, match=r"cannot read manifest '.*000001.json.gz': .*No such file"):
        RunDocuments(store, 7, SPEC.digest).read(CHUNK)


def test_a_manifest_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DestinationError, match="cannot write a manifest: "):
        RunDocuments(LocalStore(str(tmp_path / "out")), 7, SPEC.digest).write(1, JOBS)


def test_the_documents_of_one_run_are_removed(documents: RunDocuments, store: LocalStore) -> None:
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES, HEADER))
    RunDocuments(store, 70, SPEC.digest).write(1, JOBS)
    documents.remove()
    documents.remove()
    assert [info.key for info in store.scan(".forkresize/runs/")] == [manifest_key(70, 1)]


class CutStore(LocalStore):
    """A store whose first answers lack their end."""

    def __init__(self, location: str, count: int) -> None:
        super().__init__(location)
        self._count = count

    def open(self, key: str) -> FileIO:
        file = super().open(key)
        self._count -= 1
        if self._count < 0:
            return file
        with file, TemporaryFile(buffering=0) as cut:
            cut.write(file.read()[:-5])
            cut.seek(0)
            return FileIO(os.dup(cut.fileno()))


@pytest.mark.parametrize("count", [1, 2])
def test_an_answer_that_lacks_its_end_costs_nothing(documents: RunDocuments, store: LocalStore, count: int) -> None:
    store.put(CHUNK.outcomes, write_outcomes(OUTCOMES, HEADER))
    other = RunDocuments(CutStore(store.location(""), count), 7, SPEC.digest)
    assert [result.outcomes for result in other.read(CHUNK)] == [each.outcomes for each in OUTCOMES]
