from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.recipe import Fit, Recipe, Rendition, Size, from_bytes, to_bytes
from forkresize.recipefile import dumps, loads

pytestmark = pytest.mark.slow

FLAGS: dict[str, Any] = {
    "fit": st.sampled_from(["cover", "contain", "fill"]),
    "gravity": st.sampled_from(["north", "entropy"]),
    "focus": st.tuples(st.floats(0, 1), st.floats(0, 1)),
    "enlarge": st.booleans(),
    "resample": st.sampled_from(["box", "lanczos"]),
    "linear": st.booleans(),
    "auto_orient": st.booleans(),
    "rotate": st.floats(-360, 360),
    "flip": st.sampled_from(["h", "v"]),
    "crop": st.sampled_from(["30x40", "30x40+5+6"]),
    "trim": st.booleans(),
    "grayscale": st.booleans(),
    "threshold": st.integers(1, 255),
    "blur": st.none() | st.floats(0.1, 9),
    "sharpen": st.sampled_from(["none", "auto", "1.5,80,3"]),
    "border": st.integers(0, 99),
    "background": st.tuples(*[st.integers(0, 255)] * 4),
    "watermark_gravity": st.sampled_from(["tile", "north-west"]),
    "watermark_scale": st.floats(1, 100),
    "format": st.sampled_from(["keep", "jpeg", ["webp", "jpeg"], ["keep", "avif"]]),
    "quality": st.integers(1, 100) | st.just({"jpeg": 30, "webp": 40}),
    "progressive": st.booleans(),
    "subsampling": st.sampled_from(["auto", "444"]),
    "effort": st.none() | st.integers(1, 10),
    "max_bytes": st.none() | st.integers(1, 10**9),
    "if_larger": st.sampled_from(["write", "keep-original"]),
    "metadata": st.sampled_from(["all", "safe", "copyright", "none"]),
    "color": st.sampled_from(["srgb", "keep"]),
    "animation": st.sampled_from(["keep", "first"]),
    "on_truncated": st.sampled_from(["fail", "salvage"]),
    "max_pixels": st.integers(1000, 10**10),
    "max_frames": st.integers(1, 10**9),
    "max_file_size": st.integers(1, 10**15),
}
SIZES = [
    {},
    {"width": 800},
    {"width": [400, 800], "height": 300},
    {"size": "800x600!"},
    {"size": "150%"},
    {"size": "90000@>"},
    {"long_edge": 1000},
    {"short_edge": 1000},
    {"scale": 150.0},
    {"megapixels": 2.5},
]
WATERMARKS = [{}, {"watermark": "logo.png"}, {"watermark_text": "© me"}]


@given(st.data())
@settings(deadline=None)
def test_a_recipe_is_the_same_after_it_was_written_and_loaded(
    recipes: st.SearchStrategy[Recipe], data: st.DataObject
) -> None:
    recipe = data.draw(recipes)
    again = loads(dumps(recipe))
    assert again == recipe
    assert again.fingerprint() == recipe.fingerprint()


@given(st.data())
@settings(deadline=None)
def test_a_recipe_is_the_same_after_it_was_sent_as_bytes(
    recipes: st.SearchStrategy[Recipe], data: st.DataObject
) -> None:
    recipe = data.draw(recipes)
    again = from_bytes(to_bytes(recipe))
    assert again == recipe
    assert again.fingerprint() == recipe.fingerprint()


@given(st.sampled_from(SIZES), st.sampled_from(WATERMARKS), st.fixed_dictionaries({}, optional=FLAGS))
@settings(deadline=None)
def test_a_recipe_of_options_is_the_same_after_it_was_written_and_loaded(size: Any, watermark: Any, flags: Any) -> None:
    recipe = Recipe.from_options({**size, **watermark, **flags}, effective=())
    assert loads(dumps(recipe)) == recipe


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_a_file_that_was_written_is_written_the_same_again(
    recipes: st.SearchStrategy[Recipe], data: st.DataObject
) -> None:
    text = dumps(data.draw(recipes))
    assert dumps(loads(text)) == text


@pytest.mark.parametrize("size", ["800x600>", "x600", "50%", "50%x25%", "150%", "2000000@", "800x600^<", "1200!"])
def test_a_geometry_is_the_same_size_in_options_and_files(size: str) -> None:
    recipe = Recipe.of(size=size)
    assert loads(f'[[renditions]]\nsize = "{size}"') == recipe == loads(dumps(recipe))


def test_a_geometry_may_be_combined_with_a_fit() -> None:
    recipe = loads('[[renditions]]\nsize = "800x600"\nfit = "cover"\nenlarge = true')
    assert recipe.renditions == (Rendition(size=Size(width=800, height=600, fit=Fit.COVER, enlarge=True)),)
