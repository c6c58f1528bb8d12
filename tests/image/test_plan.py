"""What is decided about renditions before pixels are processed: shrinking, sizes, duplicates, layouts."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from PIL import Image, ImageDraw

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError
from forkresize.image.picture import Picture
from forkresize.image.plan import choose_shrink, duplicate_renditions, plan, static_size
from forkresize.image.source_image import SourceImage
from forkresize.outcome import Reason
from forkresize.recipe import Recipe

OpenSource = Callable[..., SourceImage]


@pytest.fixture
def open_source() -> OpenSource:
    """Open a blank picture: ``open_source("JPEG", (800, 600), **save_options)``."""

    def open_it(kind: str = "JPEG", size: tuple[int, int] = (800, 600), **options: Any) -> SourceImage:
        Image.new("L", size).save(file := io.BytesIO(), kind, **options)
        return SourceImage.open(file, Recipe(), Diagnostics())

    return open_it


def shrink(source: SourceImage, **options: Any) -> int:
    recipe = Recipe.of(**options)
    return choose_shrink(source, recipe, recipe.renditions)


@pytest.mark.parametrize(
    ("width", "expected"), [(40, 8), (41, 4), (80, 4), (81, 2), (160, 2), (161, 1), (320, 1), (800, 1), (900, 1)]
)
def test_a_jpeg_is_shrunk_while_2_5_decoded_pixels_remain_for_each_of_the_output(
    width: int, expected: int, open_source: OpenSource
) -> None:
    assert shrink(open_source(), width=width) == expected


def test_the_largest_rendition_limits_the_shrink(open_source: OpenSource) -> None:
    assert shrink(open_source(), width=[40, 100, 60]) == 2
    assert choose_shrink(open_source(), Recipe.of(width=40), []) == 1


@pytest.mark.parametrize("options", [{"resample": "nearest"}, {"linear": True}, {"trim": True}])
def test_nothing_is_shrunk_that_needs_all_pixels(options: dict[str, Any], open_source: OpenSource) -> None:
    assert shrink(open_source(), width=40, **options) == 1


def test_steps_that_move_pixels_only_allow_shrinking(open_source: OpenSource) -> None:
    assert shrink(open_source(), width=40, rotate=10) == 8


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF"])
def test_other_formats_are_not_shrunk(kind: str, open_source: OpenSource) -> None:
    assert shrink(open_source(kind), width=10) == 1


def test_a_crop_leaves_fewer_pixels_to_shrink(open_source: OpenSource) -> None:
    assert shrink(open_source(), width=40, crop="400x300") == 4
    assert shrink(open_source(), width=40, height=300, fit="cover") == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (800, 600)),
        ({"rotate": 90}, (600, 800)),
        ({"rotate": 180, "flip": "h"}, (800, 600)),
        ({"crop": "300x200+10+10"}, (300, 200)),
        ({"crop": "300x200+700+500"}, (100, 100)),
        ({"trim": True}, None),
    ],
)
def test_the_static_size_follows_the_steps_that_move_pixels(
    options: dict[str, Any], expected: tuple[int, int] | None, open_source: OpenSource
) -> None:
    assert static_size(open_source(), Recipe.of(**options)) == expected


def test_a_crop_outside_of_the_picture_is_an_error(open_source: OpenSource) -> None:
    with pytest.raises(PictureError) as raised:
        static_size(open_source(), Recipe.of(crop="10x10+900+0"))
    assert raised.value.reason is Reason.NOT_APPLICABLE


def test_the_static_size_is_upright(open_source: OpenSource) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert static_size(open_source(exif=exif), Recipe.of()) == (600, 800)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"width": 100}, []),
        ({"width": [100, 200]}, []),
        ({"width": [800, 1000, 900]}, [1, 2]),
        ({"width": [1000, 100, 900]}, [0]),
        ({"width": [1000, 900], "enlarge": True}, []),
        ({"width": [1000, 900], "format": ["webp", "jpeg"]}, [0, 1]),
        ({"width": [1000, 900], "height": [1000, 900], "fit": "contain"}, []),
    ],
)
def test_of_identical_renditions_only_the_smallest_requested_is_made(
    options: dict[str, Any], expected: Sequence[int]
) -> None:
    assert sorted(duplicate_renditions((800, 600), Recipe.of(**options), "JPEG")) == expected


def test_a_requested_format_that_is_the_source_s_own_makes_no_difference() -> None:
    recipe = Recipe.of(width=[1000, 900], format=["keep", "jpeg"])
    assert len(duplicate_renditions((800, 600), recipe, "MPO")) == 3
    assert len(duplicate_renditions((800, 600), recipe, "PNG")) == 2


def test_a_rendition_that_cannot_be_made_duplicates_none() -> None:
    assert duplicate_renditions((800, 600), Recipe.of(width=[1000, 900]), "XBM") == frozenset()


def test_only_a_content_aware_gravity_looks_at_the_pixels() -> None:
    image = Image.new("RGB", (400, 100))
    ImageDraw.Draw(image).ellipse((310, 20, 370, 80), fill="orange")
    size = {"width": 100, "height": 100, "fit": "cover"}
    lefts = {}
    for gravity in ("center", "east", "attention", "entropy"):
        recipe = Recipe.of(gravity=gravity, **size)
        lefts[gravity] = int(plan(Picture.plain(image), recipe, recipe.renditions[0]).area.left)
    assert (lefts["center"], lefts["east"]) == (150, 300)
    assert 270 <= lefts["attention"] <= 300
    assert 210 <= lefts["entropy"] <= 300
    recipe = Recipe.of(gravity="attention", focus=(0.5, 0.5), **size)
    assert plan(Picture.plain(image), recipe, recipe.renditions[0]).area.left == 150
