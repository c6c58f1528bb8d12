import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from forkresize.batch.wire import WireOutcome
from forkresize.cluster.jsonlines import ManifestError, compress, decompress
from forkresize.cluster.manifest import (
    Header,
    JobOutcome,
    PlannedJob,
    manifest_key,
    outcomes_key,
    read_manifest,
    read_outcomes,
    read_plan,
    run_directory,
    write_manifest,
    write_outcomes,
)
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Reason

HEADER = Header(run=17, chunk=3, spec="0123", lines=0)
SECRET = b"a shared key"

NAMES = st.one_of(st.text(max_size=40), st.binary(max_size=40).map(os.fsdecode))
SOURCES = st.builds(Source, NAMES, NAMES, st.integers(0, 1 << 50), st.integers(0, 1 << 62))
JOBS = st.builds(Job, SOURCES, st.lists(st.builds(Output, NAMES, st.integers(0, 9)), max_size=3).map(tuple))


@given(st.lists(JOBS, max_size=5), st.sampled_from([None, SECRET]))
def test_every_job_is_read_as_it_was_written(jobs: list[Job], secret: bytes | None) -> None:
    data = write_manifest(jobs, HEADER, secret)
    header, found = read_manifest(data, secret)
    assert found == jobs
    assert (header.run, header.chunk, header.spec, header.lines) == (17, 3, "0123", len(jobs))


def test_outcomes_are_read_as_they_were_written() -> None:
    outcome = WireOutcome(None, Failed(Reason.CRASHED, "killed by SIGSEGV", "SIGSEGV"), ("a warning",))
    outcomes = [JobOutcome(index=5, attempts=2, worker="node-1:4711", seconds=1.5, outcomes=[outcome])]
    header, found = read_outcomes(write_outcomes(outcomes, HEADER, SECRET), SECRET)
    assert found == outcomes
    assert header.kind == "outcomes"


def test_the_keys_of_a_run_lie_below_the_directory_of_the_run() -> None:
    keys = [manifest_key(17, 3), outcomes_key(17, 3, 2)]
    assert keys == [".forkresize/runs/17/000003.json.gz", ".forkresize/runs/17/000003.2.outcomes.json.gz"]
    assert all(key.startswith(f"{run_directory(17)}/") for key in keys)


def test_keys_sort_in_the_order_of_the_chunks() -> None:
    keys = [manifest_key(1, number) for number in (1, 2, 10, 99_999, 400_000)]
    assert keys == sorted(keys)


def test_a_signature_covers_every_byte() -> None:
    text = decompress(write_manifest([Job(Source("s/a.jpg", "a.jpg"), (Output("a.jpg"),))], HEADER, SECRET))
    for old, new in [(b'"run":17', b'"run":18'), (b'"chunk":3', b'"chunk":4'), (b"s/a.jpg", b"s/b.jpg")]:
        assert old in text
        with pytest.raises(ManifestError, match="no valid signature"):
            read_manifest(compress(text.replace(old, new)), SECRET)


@pytest.mark.parametrize("key", [None, b"another key"])
def test_what_is_not_signed_with_the_key_is_refused(key: bytes | None) -> None:
    with pytest.raises(ManifestError, match="no valid signature"):
        read_manifest(write_manifest([], HEADER, key), SECRET)


def test_a_signed_manifest_is_accepted_where_no_key_is_configured() -> None:
    assert read_manifest(write_manifest([], HEADER, SECRET))[1] == []


def test_outcomes_in_place_of_a_manifest_are_refused() -> None:
    with pytest.raises(ManifestError, match="a document of kind 'outcomes', expected 'manifest'"):
        read_manifest(write_outcomes([], HEADER))


def test_another_version_is_refused() -> None:
    with pytest.raises(ManifestError, match="the manifest has version 1 of the protocol, and this program version 2"):
        read_manifest(write_manifest([], replace(HEADER, version=1)))


def test_a_missing_line_is_noticed() -> None:
    text = decompress(write_manifest([Job(Source("a", "a"), ())] * 2, HEADER))
    with pytest.raises(ManifestError, match="1 lines, expected 2"):
        read_manifest(compress(b"".join(text.splitlines(keepends=True)[:-1])))


def test_millions_of_lines_are_refused() -> None:
    text = decompress(write_manifest([], HEADER)).replace(b'"lines":0', b'"lines":2000000')
    with pytest.raises(ManifestError, match="at most 10000"):
        read_manifest(compress(text + b"1\n" * 2_000_000))


@pytest.mark.parametrize("text", [b"", b"\n", b"{}\n", b"[1]\n", b'{"run":1}'])
def test_a_document_without_a_header_is_refused(text: bytes) -> None:
    with pytest.raises(ManifestError):
        read_manifest(compress(text))


def test_a_plan_keeps_what_is_under_the_keys_of_outputs() -> None:
    job = PlannedJob(
        Source("s/a.jpg", "a.jpg"), (Output("a.jpg"), Output("a.webp"), Output("b")), before=("", "e", None)
    )
    data = write_manifest([job, Job(job.source, job.outputs)], HEADER, SECRET)
    _, planned = read_plan(data, SECRET)
    assert planned == [job, PlannedJob(job.source, job.outputs)]
    assert read_manifest(data, SECRET)[1] == [Job(job.source, job.outputs)] * 2
