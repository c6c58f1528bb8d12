"""Record what this version of the programs of a cluster exchanges: ``python -m tests.cluster.record``.

Do so when ``forkresize.cluster.protocol.VERSION`` has been increased, and keep what former versions have recorded.
"""

import json
from pathlib import Path
from typing import Any

from msgspec.json import schema_components

from forkresize.batch.wire import WireOutcome
from forkresize.cluster import protocol
from forkresize.cluster.manifest import Header, JobOutcome, PlannedJob, write_manifest, write_outcomes
from forkresize.cluster.messages import ChunkMessage, encode_message
from forkresize.cluster.spec import RunSpec
from forkresize.job import Output, Source
from forkresize.outcome import Failed, Reason, Written
from forkresize.recipe import Recipe, Rendition, Size, to_bytes

KEY = b"the key of a cluster that was recorded"

RECIPE = Recipe(renditions=(Rendition(size=Size(width=80)), Rendition(size=Size(width=40))))

SPEC = RunSpec(
    sources=["s3://photos/in"],
    destination="s3://web/out",
    recipe=to_bytes(RECIPE).decode(),
    renditions=["0011223344556677", "8899aabbccddeeff"],
    combined="0123456789abcdef",
    limits={"timed out": 60.0, "too large": None},
    timeout=60.0,
    retries=2,
    metadata={"owner": "press"},
    shard="1/2",
)

JOB = PlannedJob(
    Source("s3://photos/in/a.jpg", "a.jpg", 1234, 1_700_000_000_000_000_000, etag='"e"', version="v"),
    (Output("80/a.jpg", 0), Output("40/a.jpg", 1)),
    before=('"former"', ""),
)

WRITTEN = Written(out_bytes=100, in_size=(320, 240), out_size=(80, 60), in_format="jpeg", out_format="jpeg")

OUTCOMES = [
    WireOutcome(
        0,
        Written(out_bytes=100, in_size=(320, 240), out_size=(80, 60), in_format="jpeg", out_format="jpeg"),
        ("a warning",),
    ),
    WireOutcome(1, Failed(Reason.CRASHED, "killed by SIGSEGV", "SIGSEGV"), ()),
]

DONE = JobOutcome(index=0, attempts=2, worker="node-1:4711", seconds=1.5, outcomes=OUTCOMES)


def describe_fields() -> Any:
    """Return the fields of all that is exchanged, with their types, without the words that describe them."""
    _, schemas = schema_components((ChunkMessage, RunSpec, Header, PlannedJob, JobOutcome))
    return json.loads(json.dumps(schemas), object_hook=lambda each: {k: each[k] for k in each if k != "description"})


def record(folder: Path) -> None:
    """Write one of everything, signed, into a new directory."""
    folder.mkdir(parents=True)
    header = Header(run=17, chunk=3, spec=SPEC.digest, lines=0)
    (folder / "message.json").write_bytes(encode_message(17, 3, KEY))
    (folder / "specification.json").write_text(SPEC.encode())
    (folder / "manifest.json.gz").write_bytes(write_manifest([JOB], header, KEY))
    (folder / "fields.json").write_text(json.dumps(describe_fields(), indent=1, sort_keys=True) + "\n")
    (folder / "outcomes.json.gz").write_bytes(write_outcomes([DONE], header, KEY))


if __name__ == "__main__":
    record(Path(__file__).parent / "recorded" / f"protocol-{protocol.VERSION}")
