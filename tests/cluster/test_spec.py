import json

import pytest

from forkresize.cluster.protocol import VERSION
from forkresize.cluster.spec import RunSpec, SpecHeader, decode_spec, digest_of, read_header
from forkresize.errors import FieldError

SPEC = RunSpec(
    sources=["s3://photos/in"],
    destination="s3://web/out",
    recipe="{}",
    renditions=["00ff"],
    combined="ff00",
    limits={"timed out": 5.0, "worker crashed": None},
    timeout=60.0,
    metadata={"b": "2", "a": "1"},
)


def test_a_specification_is_read_as_it_was_written() -> None:
    assert decode_spec(SPEC.encode()) == SPEC


def test_a_specification_says_its_version() -> None:
    assert json.loads(SPEC.encode())["version"] == VERSION


def test_where_runs_of_other_versions_are_is_known() -> None:
    text = json.dumps({"version": 9, "sources": ["s3://a"], "destination": "s3://b", "shard": "1/2", "new": {"x": 1}})
    assert read_header(text) == SpecHeader(version=9, sources=["s3://a"], destination="s3://b", shard="1/2")
    assert read_header('{"sources": [], "destination": "s3://b"}').version == 1


def test_equal_specifications_have_one_digest_and_others_another() -> None:
    same = RunSpec(**{**json.loads(SPEC.encode()), "metadata": {"a": "1", "b": "2"}})
    assert same.digest == SPEC.digest == digest_of(SPEC.encode())
    other = RunSpec(**{**json.loads(SPEC.encode()), "destination": "s3://web/other"})
    assert other.digest != SPEC.digest
    assert len(SPEC.digest) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 3}, "its specification has version 3 of the protocol, and this program version 2"),
        # Version 1 left its number out, and did not know all fields.
        ({"version": 1, "drop": 1}, "its specification has version 1 of the protocol, and this program version 2"),
        ({"queue": "urgent"}, "unknown queue 'urgent': use interactive or batch"),
        ({"timeout": 0}, "malformed specification"),
        ({"retries": -1}, "malformed specification"),
        ({"command": "rm"}, "malformed specification"),
        ({"sources": "s3://x"}, "malformed specification"),
        ({"recipe": "x" * (1 << 20)}, "at most 1048576 are accepted"),
    ],
)
def test_a_malformed_specification_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        decode_spec(json.dumps({**json.loads(SPEC.encode()), **change}))


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, "{}"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="malformed specification"):
        decode_spec(text)
