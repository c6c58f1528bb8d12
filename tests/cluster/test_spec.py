import json

import pytest

from forkresize.cluster.spec import RunSpec, decode_spec, digest_of
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


def test_equal_specifications_have_one_digest_and_others_another() -> None:
    same = RunSpec(**{**json.loads(SPEC.encode()), "metadata": {"a": "1", "b": "2"}})
    assert same.digest == SPEC.digest == digest_of(SPEC.encode())
    other = RunSpec(**{**json.loads(SPEC.encode()), "destination": "s3://web/other"})
    assert other.digest != SPEC.digest
    assert len(SPEC.digest) == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "specification of version 2: this program reads version 1"),
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
