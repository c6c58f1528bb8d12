import pytest

from forkresize.cluster.jsonlines import ManifestError
from forkresize.cluster.node.chunk_outcomes import ChunkOutcomes
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, OutputRef, Reason


def test_two_pictures_with_the_same_output_are_refused() -> None:
    jobs = [Job(Source(f"s3://b/{name}", name), (Output("small/x.jpg"),)) for name in ("x.jpg", "x.png")]
    with pytest.raises(ManifestError, match="two pictures with the same output"):
        ChunkOutcomes(jobs, 0, "node")


def test_a_part_ends_before_the_first_picture_without_an_outcome() -> None:
    jobs = [Job(Source(f"s3://b/{n}.jpg", f"{n}.jpg", 10), (Output(f"{n}.jpg"),)) for n in range(3)]
    found = ChunkOutcomes(jobs, 5, "node")
    for job in (jobs[2], jobs[0]):
        found.add(
            job, [Outcome(OutputRef(job.source, f"s3://b/out/{job.outputs[0].key}"), Failed(Reason.UNREADABLE, "x"))]
        )
    assert [each.index for each in found.leading()] == [5]
    assert found.count(1) == {"in_bytes": 10, "out_bytes": 0, "failed": 1}
    assert found.scattered == 1
