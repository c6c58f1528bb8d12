from typing import Any

import pytest

from forkresize.errors import FieldError
from forkresize.formats import Format
from forkresize.gateway.imgproxy.geometry import SourceSize
from forkresize.gateway.imgproxy.path import parse_path
from forkresize.gateway.imgproxy.recipe import Recipes, WatermarkFile
from forkresize.recipe import Recipe

THUMB = Recipe.of(width=300, height=200, fit="cover", gravity="north", format="webp", quality=70, sharpen="auto")
EDGE = Recipe.of(long_edge=500)
RECIPES = Recipes({"thumb": THUMB, "edge": EDGE}, WatermarkFile("logo.png", opacity=0.5))
LANDSCAPE, PORTRAIT = SourceSize(1000, 800), SourceSize(800, 1000)
CLEAR = "#ffffff00"


def make(options: str, output: Format | None = None, size: SourceSize | None = None) -> Recipe:
    parsed = parse_path(f"{options and '/'}{options}/plain/photos/a.jpg", RECIPES.presets).options
    assert RECIPES.needs_size(parsed) == (size is not None)
    return RECIPES.make(parsed, output, size)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", {}),
        ("w:300", {"width": 300}),
        ("w:300/h:0", {"width": 300}),
        ("rs:fit:300:200", {"width": 300, "height": 200}),
        ("rs:fill:300:200", {"width": 300, "height": 200, "fit": "cover"}),
        ("rs:fill:300:200:1", {"width": 300, "height": 200, "fit": "cover", "enlarge": True}),
        ("rs:fill-down:300:200", {"width": 300, "height": 200, "fit": "cover"}),
        ("rs:force:300:200", {"width": 300, "height": 200, "fit": "fill"}),
        ("rs:fill:300:200/g:noea", {"width": 300, "height": 200, "fit": "cover", "gravity": "north-east"}),
        ("rs:fill:300:200/g:sm", {"width": 300, "height": 200, "fit": "cover", "gravity": "attention"}),
        ("rs:fill:300:200/g:fp:0.2:0.4", {"width": 300, "height": 200, "fit": "cover", "focus": "0.2,0.4"}),
        ("w:300/dpr:2", {"width": 600}),
        ("w:300/h:101/z:1.5", {"width": 450, "height": 152}),
        ("dpr:2", {}),
        ("dpr:2/el:1", {"scale": 200, "enlarge": True}),
        ("z:0.5", {"scale": 50}),
        ("ex:1/w:300", {"width": 300, "background": CLEAR}),
        (
            "rs:fit:300:200:0:1:soea",
            {"width": 300, "height": 200, "fit": "contain", "gravity": "south-east", "background": CLEAR},
        ),
        (
            "rs:fit:300:200/ex:1/bg:000",
            {"width": 300, "height": 200, "fit": "contain", "background": "black"},
        ),
        ("rot:90/fl:1", {"rotate": 90, "flip": "h"}),
        ("fl:1:1", {"rotate": 180}),
        ("fl:0:1", {"flip": "v"}),
        ("rot:180/fl:1:1", {}),
        ("pd:10/dpr:2", {"border": 20, "background": CLEAR}),
        ("bl:2/sh:0.05", {"blur": 2}),
        ("sh:0.7", {"sharpen": "0.7,60,2"}),
        ("ar:0", {"auto_orient": False}),
        ("t:10", {"trim": True}),
        ("t:", {}),
        ("sm:0", {"metadata": "all"}),
        ("sm:1", {}),
        ("kcr:0", {"metadata": "none"}),
        ("scp:0", {"color": "keep"}),
        ("da:1", {"animation": "first"}),
        ("w:9/ra:cubic", {"width": 9, "resample": "bicubic"}),
        ("f:webp/q:60", {"format": "webp", "quality": 60}),
        ("f:png/q:60", {"format": "png"}),
        ("q:0", {}),
        ("q:60", {"quality": 60}),
        ("fq:jpeg:50", {"quality": "jpeg=50"}),
        ("q:60/fq:jpeg:50", {"quality": "avif=60,jpeg=50,jxl=60,webp=60"}),
        ("mb:1000/f:jpg", {"max_bytes": 1000, "format": "jpeg"}),
        ("mb:0", {}),
        (
            "wm:0.5",
            {
                "watermark": "logo.png",
                "watermark_opacity": 0.25,
                "watermark_gravity": "center",
                "watermark_margin": 0,
                "watermark_scale": 15,
            },
        ),
        (
            "wm:1:re:0.1:0.1:0.3",
            {
                "watermark": "logo.png",
                "watermark_opacity": 0.5,
                "watermark_gravity": "tile",
                "watermark_margin": 10,
                "watermark_scale": 30,
            },
        ),
        ("wm:0", {}),
    ],
)
def test_options_make_the_recipe_of_the_command(options: str, expected: dict[str, Any]) -> None:
    wanted = Recipe.from_options({"metadata": "copyright", **expected}, effective=())
    assert make(options) == wanted
    assert make(options).fingerprint() == wanted.fingerprint()


@pytest.mark.parametrize(
    ("options", "size", "expected"),
    [
        ("rs:auto:300:200", LANDSCAPE, {"width": 300, "height": 200, "fit": "cover"}),
        ("rs:auto:300:200", PORTRAIT, {"width": 300, "height": 200}),
        ("rs:auto:300:200/rot:90", PORTRAIT, {"rotate": 90, "width": 300, "height": 200, "fit": "cover"}),
        (
            "rs:auto:200:300/c:300:400",
            LANDSCAPE,
            {"crop": "300x400+350+200", "width": 200, "height": 300, "fit": "cover"},
        ),
        ("c:300:200", LANDSCAPE, {"crop": "300x200+350+300"}),
        ("c:0.5:0.5:nowe/w:100", LANDSCAPE, {"crop": "500x400+0+0", "width": 100}),
        ("c:300:200/g:no", LANDSCAPE, {"crop": "300x200+350+0", "gravity": "north"}),
        ("c:300:200/g:nowe:10:20", LANDSCAPE, {"crop": "300x200+10+20"}),
        ("c:0:0", LANDSCAPE, {}),
        ("c:2000:2000", LANDSCAPE, {}),
    ],
)
def test_crops_and_the_type_auto_depend_on_the_size(options: str, size: SourceSize, expected: dict[str, Any]) -> None:
    assert make(options, size=size) == Recipe.from_options({"metadata": "copyright", **expected}, effective=())


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ("pr:thumb", {}),
        ("pr:thumb/w:100", {"width": 100}),
        ("w:100/pr:thumb", {"width": 100}),
        ("pr:thumb/rt:fit", {"fit": "inside"}),
        ("pr:thumb/dpr:2", {"width": 600, "height": 400}),
        ("pr:thumb/g:fp:0.5:0.3", {"focus": "0.5,0.3", "gravity": "center"}),
        ("pr:thumb/f:png", {"format": "png"}),
        ("pr:thumb/q:20", {"quality": 20}),
        ("pr:thumb/f:jpg/q:20", {"format": "jpeg", "quality": 20}),
        ("pr:thumb/sh:0", {"sharpen": None}),
        ("pr:thumb/sm:1", {"metadata": "copyright"}),
    ],
)
def test_options_change_a_preset_wherever_it_stands(options: str, changes: dict[str, Any]) -> None:
    assert make(options) == THUMB.override(changes, effective=())


def test_factors_apply_to_any_size_of_a_preset() -> None:
    assert make("pr:edge/dpr:2") == Recipe.of(long_edge=1000)
    assert make("pr:edge/w:100") == Recipe.of(width=100)
    for size in ({"short_edge": 100}, {"scale": 50}, {"megapixels": 1}):
        recipes = Recipes({"default": Recipe.of(**size)})
        made = recipes.make(parse_path("/dpr:2/plain/photos/a.jpg").options, None)
        factor = 4 if "megapixels" in size else 2
        assert made == Recipe.from_options({name: value * factor for name, value in size.items()}, effective=())


def test_a_padded_preset_is_padded_unless_a_url_says_otherwise() -> None:
    recipes = Recipes({"default": Recipe.of(width=30, height=20, fit="contain")})
    assert recipes.make(parse_path("/ex:0/plain/photos/a.jpg").options, None) == Recipe.of(width=30, height=20)
    assert recipes.make(parse_path("/plain/photos/a.jpg").options, None).resize.fit == "contain"


def test_the_default_preset_is_changed_if_no_other_one_is_named() -> None:
    recipes = Recipes({"default": THUMB})
    assert recipes.make(parse_path("/q:20/plain/photos/a.jpg").options, None) == THUMB.with_options(quality=20)


def test_a_negotiated_format_takes_the_place_of_auto() -> None:
    assert make("f:auto/q:50", Format.AVIF) == Recipe.of(metadata="copyright", format="avif", quality=50)
    assert make("f:auto/fq:jpeg:50", Format.AVIF) == Recipe.of(metadata="copyright", format="avif")
    assert make("f:auto") == Recipe.of(metadata="copyright")


@pytest.mark.parametrize(
    ("options", "size", "field"),
    [
        ("rs:fill:300:200:0:1", None, "extend"),
        ("g:no:10:10/w:30", None, "gravity"),
        ("c:10:10/g:sm", LANDSCAPE, "crop"),
        ("w:100000/dpr:2", None, "width"),
    ],
)
def test_contradictions_are_refused(options: str, size: SourceSize | None, field: str) -> None:
    with pytest.raises(FieldError) as caught:
        make(options, size=size)
    assert caught.value.field == field


def test_a_watermark_needs_one_in_the_gateway() -> None:
    with pytest.raises(FieldError, match="this gateway has no watermark"):
        Recipes().make(parse_path("/wm:1/plain/photos/a.jpg").options, None)
