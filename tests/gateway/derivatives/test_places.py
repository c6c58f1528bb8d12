import pytest

from forkresize.gateway.derivatives.places import Place, Places, Target, destination_of
from forkresize.job import Source
from forkresize.recipe import Recipe

THUMB, SMALL = Recipe.of(width=64, format="webp"), Recipe.of(width=16)
SOURCE = Source("/pictures/a/b.png", "a/b.png")


def test_a_picture_is_named_as_by_a_batch_in_the_destination_of_its_root_and_recipe() -> None:
    places = Places({"thumb": THUMB}, presets_only=False)
    assert places.find("photos", SOURCE, Target.of(THUMB)) == Place("photos/thumb", "a/b.webp")
    assert places.find("other", SOURCE, Target.of(THUMB)) == Place("other/thumb", "a/b.webp")
    small = places.find("photos", SOURCE, Target.of(SMALL))
    assert small == Place(f"photos/{SMALL.fingerprint()}", "a/b.png")
    assert small.path == f"photos/{SMALL.fingerprint()}/a/b.png"


def test_only_presets_have_a_place_if_anyone_may_ask_for_any_recipe() -> None:
    places = Places({"thumb": THUMB}, presets_only=True)
    assert places.find("photos", SOURCE, Target.of(SMALL)) is None
    assert places.find("photos", SOURCE, Target.of(THUMB)) is not None


@pytest.mark.parametrize(
    ("store", "expected"),
    [("/web", "/web/photos/thumb"), ("/", "/photos/thumb"), ("s3://web/", "s3://web/photos/thumb")],
)
def test_a_destination_is_a_path_or_a_url(store: str, expected: str) -> None:
    assert destination_of(store, "photos/thumb") == expected
