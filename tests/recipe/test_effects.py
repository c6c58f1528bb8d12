"""Options of a recipe that have no effect are refused."""

import pickle
from typing import Any

import pytest

from forkresize.errors import NoEffectError
from forkresize.recipe import OPTIONS, Animation, Fit, Recipe, Rendition, Size
from forkresize.recipe.effects import REQUIREMENTS, STARTED_BY

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"width": 100, "gravity": "north"}, "gravity: has no effect: it requires fit='cover' or fit='contain'"),
    ({"width": 8, "height": 8, "fit": "contain", "focus": "0.1,0.2"}, "focus: has no effect: it requires fit='cover'"),
    ({"width": 8, "fit": "cover"}, "fit: 'cover' has no effect: it requires width and height, or size='WIDTHxHEIGHT'"),
    ({"size": "800x", "fit": "cover"}, "fit: 'cover' has no effect: it requires width and height, or size='"),
    ({"size": "8x8^", "gravity": "north"}, "gravity: has no effect: it requires fit='cover' or fit='contain'"),
    ({"resample": "box"}, "resample: has no effect: it requires size, width, height, long_edge"),
    ({"linear": True, "format": "webp"}, "linear: has no effect: it requires size, width"),
    ({"width": 8, "animation": "first", "max_frames": 8}, "max_frames: has no effect: it requires animation='keep'"),
    ({"watermark_opacity": 0.2}, "watermark_opacity: has no effect: it requires watermark or watermark_text"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=str)
def test_an_option_without_an_effect_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NoEffectError) as caught:
        Recipe.of(**options)
    assert str(caught.value).startswith(message)
    assert caught.value.field in options
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 (it was just made)


@pytest.mark.parametrize(
    "options",
    [
        {"width": 8, "height": 8, "fit": "cover", "gravity": "north", "focus": None},
        {"size": "8x8", "fit": "contain", "gravity": "north"},
        {"width": 8, "fit": "fill"},
        {"width": [8, 9], "height": [8, 9], "fit": "cover", "focus": (0.1, 0.2)},
        {"scale": 50, "resample": "box", "linear": True},
        {"watermark_text": "me", "watermark_opacity": 0.2},
    ],
    ids=str,
)
def test_an_option_with_an_effect_is_accepted(options: dict[str, Any]) -> None:
    Recipe.of(**options)


@pytest.mark.parametrize("name", [*REQUIREMENTS, *STARTED_BY])
def test_an_option_that_states_its_default_is_accepted(name: str) -> None:
    assert Recipe.of(**{name: OPTIONS[name].default}) == Recipe()


def test_only_some_options_have_to_have_an_effect() -> None:
    options = {"width": 8, "gravity": "north", "watermark_opacity": 0.2}
    assert Recipe.from_options(options, effective=["width"]).resize.gravity == "north"
    with pytest.raises(NoEffectError, match=r"^gravity: "):
        Recipe.from_options(options, effective=["gravity"])
    with pytest.raises(NoEffectError, match=r"^watermark_opacity: "):
        Recipe.from_options(options, effective=["watermark_opacity"])


def test_options_on_top_of_a_recipe_have_an_effect_on_one_rendition_at_least() -> None:
    plain = Rendition(size=Size(width=8))
    cut = Rendition(size=Size(width=8, height=9, fit=Fit.COVER))
    with pytest.raises(NoEffectError, match=r"^gravity: "):
        Recipe(renditions=(plain,)).with_options(gravity="north")
    assert Recipe(renditions=(plain, cut)).with_options(gravity="north").resize.gravity == "north"
    assert Recipe(renditions=(plain,)).override({"gravity": "north"}, effective=[]).resize.gravity == "north"
    with pytest.raises(NoEffectError, match=r"^max_frames: "):
        Recipe(animation=Animation.FIRST).with_options(max_frames=8)


def test_every_named_option_exists() -> None:
    fields = {field for groups in REQUIREMENTS.values() for group in groups for field, _ in group}
    assert fields | REQUIREMENTS.keys() | STARTED_BY.keys() <= OPTIONS.keys()
