"""No output replaces an object that is a source."""

import pytest

from forkresize.batch.remote.guard import PrefixGuard
from forkresize.errors import FieldError


def test_destination_that_is_a_source_is_refused() -> None:
    with pytest.raises(FieldError, match="'s3://b/in' is also a source"):
        PrefixGuard(["s3://b/in/"], "s3://b/in")


@pytest.mark.parametrize(
    ("source", "destination", "path", "forbidden"),
    [
        ("s3://b/in", "s3://b/out", "s3://b/out/a.jpg", False),
        ("s3://b/in", "s3://b/in/web", "s3://b/in/web/a.jpg", False),
        ("s3://b/in", "s3://b/in-2", "s3://b/in-2/a.jpg", False),
        ("s3://b/web/in", "s3://b/web", "s3://b/web/in/a.jpg", True),
        ("s3://b/web/in", "s3://b/web", "s3://b/web/a.jpg", False),
        ("/srv/in", "s3://b/web", "s3://b/web/a.jpg", False),
    ],
)
def test_outputs_among_sources_are_forbidden(source: str, destination: str, path: str, forbidden: bool) -> None:
    assert PrefixGuard([source], destination).forbids(path, f"{source}/a.jpg") is forbidden


def test_single_objects_are_protected() -> None:
    guard = PrefixGuard([], "s3://b")
    guard.add_sources(["s3://b/a.jpg"])
    assert guard.forbids("s3://b/a.jpg", "s3://b/other.jpg")
    assert guard.forbids("s3://b/b.jpg", "s3://b/b.jpg")
    assert not guard.forbids("s3://b/c.jpg", "s3://b/a.jpg")


def test_objects_below_a_destination_among_the_sources_are_outputs() -> None:
    guard = PrefixGuard(["s3://b/in"], "s3://b/in/web")
    assert guard.is_output("s3://b/in/web/a.jpg", "s3://b/in/")
    assert not guard.is_output("s3://b/in/a.jpg", "s3://b/in/")
    assert not PrefixGuard(["s3://b/in"], "s3://b/out").is_output("s3://b/out/a.jpg", "s3://b/in/")
