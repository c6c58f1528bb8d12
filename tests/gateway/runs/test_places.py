"""Places of requests: keys below named roots, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.gateway.runs.errors import InvalidRequestError
from forkresize.gateway.runs.places import Places, hide_locations


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "in/2026").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "in/out-of-it").symlink_to(tmp_path / "secret")
    (tmp_path / "in/within").symlink_to(tmp_path / "in/2026")
    roots = {"photos": str(tmp_path / "in"), "bucket": "s3://photos/deep", "url": (tmp_path / "in").as_uri()}
    return Places(roots, {"web": str(tmp_path / "out"), "cdn": "s3://cdn"})


def test_a_name_stands_for_its_root(places: Places, tmp_path: Path) -> None:
    assert places.source("photos") == places.source("url") == str(tmp_path / "in")
    assert places.source("bucket") == "s3://photos/deep"
    assert places.destination("cdn") == "s3://cdn"


def test_a_key_is_below_its_root(places: Places, tmp_path: Path) -> None:
    assert places.source("photos/2026/") == str(tmp_path / "in/2026")
    assert places.source("bucket/2026/a b.jpg") == "s3://photos/deep/2026/a b.jpg"
    assert places.destination("web/2026") == str(tmp_path / "out/2026")
    assert places.destination("cdn/2026") == "s3://cdn/2026"


def test_a_link_stays_in_its_root(places: Places, tmp_path: Path) -> None:
    assert places.source("photos/within") == str(tmp_path / "in/2026")
    with pytest.raises(InvalidRequestError, match=r"'photos/out-of-it/a.jpg' leads out of 'photos'"):
        places.source("photos/out-of-it/a.jpg")


@pytest.mark.parametrize(
    "place",
    [
        "photos/..",
        "photos/../secret",
        "photos/a/../../secret",
        "photos//etc/passwd",
        "photos/./a",
        "photos/\0",
        "photos/a\nb",
        "bucket/../other",
        "bucket//x",
        "photos/.forkresize/ledger.db",
        f"photos/{'é' * 600}",
    ],
)
def test_what_is_not_a_key_is_refused(places: Places, place: str) -> None:
    with pytest.raises(InvalidRequestError) as found:
        places.source(place)
    assert found.value.field == "sources"


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "file:///etc", "s3://other/x", "web", "", "..", "https://example.com/"]
)
def test_what_is_not_a_root_is_refused(places: Places, place: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"no root .*; this gateway has: bucket, photos, url"):
        places.source(place)


def test_only_destinations_are_written(places: Places) -> None:
    with pytest.raises(InvalidRequestError, match="no destination that may be written 'photos'") as found:
        places.destination("photos")
    assert found.value.field == "destination"


@given(st.text(max_size=40))
def test_no_key_leads_out(key: str) -> None:
    places = Places({"root": "/nowhere/root", "bucket": "s3://bucket/root"}, {})
    for name, start in (("root", "/nowhere/root"), ("bucket", "s3://bucket/root")):
        try:
            found = places.source(f"{name}/{key}")
        except InvalidRequestError:
            continue
        assert found == start or found.startswith(f"{start}/")
        assert "/../" not in f"{found}/"


def test_texts_have_names_in_place_of_locations(places: Places, tmp_path: Path) -> None:
    text = (
        f"{tmp_path}/in/a.jpg: cannot be written to {tmp_path}/out; s3://photos/deep/b; {(tmp_path / 'in').as_uri()}/c"
    )
    expected = "photos/a.jpg: cannot be written to web; bucket/b; "
    hidden = hide_locations(text, places.names())
    assert hidden.startswith(expected)
    assert str(tmp_path) not in hidden
