"""What is recorded of a job, and how a source is split into its root and its path below that."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.job import Job, Output, Source
from forkresize.ledger import RecipeFingerprints, records_for, source_record, split_root
from forkresize.outcome import Detail, Execution, Failed, Outcome, OutputRef, Reason, Skipped, Unchanged, Written
from forkresize.store import ObjectInfo

SOURCE = Source("in/a.jpg", "a.jpg", 10, 20)
JOB = Job(SOURCE, (Output("a-1.jpg", 0), Output("a-2.jpg", 1)))
BASE = source_record(SOURCE, 7, b"hash")
FINGERPRINTS = RecipeFingerprints(renditions=(b"one", b"two"), combined=b"all", limits={Reason.TIMED_OUT: 120})
WRITTEN = Written(out_bytes=5, in_size=(64, 48), out_size=(16, 12), in_format="jpeg", out_format="jpeg")


def outcome(detail: Detail, rendition: int | None = None) -> Outcome:
    destination = None if rendition is None else f"out/a-{rendition + 1}.jpg"
    return Outcome(OutputRef(SOURCE, destination, rendition or 0), detail, Execution(attempts=2))


def found(key: str, mtime_ns: int, **others: Any) -> ObjectInfo:
    return ObjectInfo(key, 5, mtime_ns, mtime_ns, **others)


def test_a_written_output_is_recorded_with_its_source_recipe_and_measures() -> None:
    outcomes = [outcome(WRITTEN, 1), outcome(WRITTEN, 0)]
    one, two = records_for(
        JOB, outcomes, BASE, FINGERPRINTS, {"a-1.jpg": found("a-1.jpg", 100), "a-2.jpg": found("a-2.jpg", 200)}
    )
    assert (one.key, one.recipe, one.mtime_ns) == ("a-1.jpg", b"one", 100)
    assert (two.key, two.recipe, two.mtime_ns) == ("a-2.jpg", b"two", 200)
    assert (one.status, one.size, one.width, one.height, one.format) == ("written", 5, 16, 12, "jpeg")
    assert (one.source, one.source_size, one.source_mtime_ns, one.source_hash) == ("a.jpg", 10, 20, b"hash")
    assert (one.run, one.attempts, one.hash) == (7, 2, None)


def test_an_object_is_recorded_with_etag_and_version_and_a_file_without() -> None:
    source = Source("s3://in/a.jpg", "a.jpg", 10, 20, "e1", "v1")
    job = Job(source, JOB.outputs)
    stored = {
        "a-1.jpg": found("a-1.jpg", 1, etag="e2", version="v2"),
        "a-2.jpg": found("a-2.jpg", 1, version=(64, 123)),
    }
    base = source_record(source, 7)
    one, two = records_for(job, [outcome(WRITTEN, 0), outcome(WRITTEN, 1)], base, FINGERPRINTS, stored)
    assert (one.root, one.source_etag, one.source_version, one.etag, one.version) == ("s3://in", "e1", "v1", "e2", "v2")
    assert (two.etag, two.version) == (None, None)


def test_an_output_that_is_gone_by_now_is_not_recorded() -> None:
    assert list(records_for(JOB, [outcome(WRITTEN, 0), outcome(WRITTEN, 1)], BASE, FINGERPRINTS, {})) == []


def test_a_failure_of_all_outputs_is_recorded_for_each() -> None:
    failures = list(records_for(JOB, [outcome(Failed(Reason.DAMAGED, "cut off"))], BASE, FINGERPRINTS, {}))
    assert [(each.key, each.recipe, each.covers_all) for each in failures] == [
        ("a-1.jpg", b"one", 1),
        ("a-2.jpg", b"two", 1),
    ]
    assert {(each.status, each.reason, each.error) for each in failures} == {
        ("failed", "damaged or truncated", "cut off")
    }


def test_a_duplicate_depends_on_all_renditions() -> None:
    outcomes = [outcome(WRITTEN, 0), outcome(Skipped(Reason.DUPLICATE), 1)]
    _, skipped = records_for(JOB, outcomes, BASE, FINGERPRINTS, {"a-1.jpg": found("a-1.jpg", 1)})
    assert (skipped.status, skipped.recipe, skipped.covers_all) == ("skipped", b"all", 0)


def test_a_failure_by_a_limit_is_recorded_with_the_limit() -> None:
    (failure, _) = records_for(JOB, [outcome(Failed(Reason.TIMED_OUT))], BASE, FINGERPRINTS, {})
    assert failure.limit_value == 120


def test_unchanged_outputs_are_not_recorded_again() -> None:
    assert list(records_for(JOB, [outcome(Unchanged(), 0), outcome(Unchanged(), 1)], BASE, FINGERPRINTS, {})) == []


@pytest.mark.parametrize(
    ("reason", "signal", "recorded"),
    [
        (Reason.CRASHED, "SIGSEGV", 2),
        (Reason.CRASHED, "SIGKILL", 0),
        (Reason.TIMED_OUT, "SIGKILL", 2),
        (Reason.PROTOCOL_VIOLATION, "SIGKILL", 2),
        (Reason.DAMAGED, None, 2),
        (Reason.INTERRUPTED, "SIGKILL", 0),
        (Reason.NOT_WRITTEN, None, 0),
        (Reason.MEMORY_LIMIT, None, 0),
    ],
)
def test_only_failures_that_the_picture_causes_are_recorded(reason: Reason, signal: str | None, recorded: int) -> None:
    failed = [outcome(Failed(reason, signal=signal))]
    assert len(list(records_for(JOB, failed, BASE, FINGERPRINTS, {}))) == recorded


@pytest.mark.parametrize(
    ("path", "relative", "expected"),
    [
        ("/x/in/a/b.jpg", "a/b.jpg", ("/x/in", "a/b.jpg")),
        ("/x/in/a.jpg", "in/a.jpg", ("/x", "in/a.jpg")),
        ("/data/a.jpg", "data/a.jpg", ("/", "data/a.jpg")),
        ("/x/./a.jpg", "in/a.jpg", ("/x", "a.jpg")),
        ("/x/xa.jpg", "a.jpg", ("/x", "xa.jpg")),
        ("s3://b/in/a//b.jpg", "a//b.jpg", ("s3://b/in", "a//b.jpg")),
        ("s3://b/a.jpg", "a.jpg", ("s3://b", "a.jpg")),
        ("s3://b/in/a.jpg", "in/a.jpg", ("s3://b", "in/a.jpg")),
        ("gs://b/xa.jpg", "a.jpg", ("gs://b", "xa.jpg")),
    ],
)
def test_a_source_is_split_where_its_path_below_the_destination_starts(
    path: str, relative: str, expected: tuple[str, str]
) -> None:
    assert split_root(Source(path, relative)) == expected


@given(st.lists(st.sampled_from(["a", "b.jpg", "in"]), min_size=1, max_size=4), st.integers(0, 3))
def test_root_and_relative_path_make_up_the_source_path(parts: list[str], below: int) -> None:
    path = "/" + "/".join(parts)
    root, relative = split_root(Source(path, "/".join(parts[-below:])))
    assert f"{root.rstrip('/')}/{relative}" == path


def test_a_relative_path_is_split_in_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert split_root(Source("in/a.jpg", "in/a.jpg"))[1] == "in/a.jpg"
