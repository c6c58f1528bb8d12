from forkresize.recipe import Blur, Crop, Fit, Grayscale, Recipe, Resize, Sharpen, Watermark
from forkresize.recipefile import dumps

WRITTEN = """\
auto-orient = false
background = "#ff8000"
max-pixels = 50

[[steps]]
crop = {width = 4, height = 3}

[[steps]]
trim = true

[[steps]]
resize = {fit = "cover", focus = [0.5, 0.3]}

[[steps]]
grayscale = true

[[steps]]
sharpen = "auto"

[[steps]]
border = 3

[[steps]]
watermark = {image = "logo.png", gravity = "tile", opacity = 0.2}

[[renditions]]
width = 400
height = 300
format = "webp"
quality = 80

[[renditions]]
width = 800
height = 600
format = "webp"
quality = 80
"""


def test_a_recipe_is_written_as_readable_toml() -> None:
    recipe = Recipe.of(
        width=[400, 800],
        height=[300, 600],
        fit="cover",
        focus=(0.5, 0.3),
        format="webp",
        quality=80,
        auto_orient=False,
        background=(255, 128, 0, 255),
        max_pixels=50_000_000,
        crop="4x3",
        trim=True,
        grayscale=True,
        sharpen="auto",
        border=3,
        watermark="logo.png",
        watermark_gravity="tile",
        watermark_opacity=0.2,
    )
    assert dumps(recipe) == WRITTEN


def test_defaults_are_not_written() -> None:
    assert dumps(Recipe()) == ""
    assert dumps(Recipe.of(fit="inside", watermark=None, quality=None, rotate=0, sharpen="none")) == ""


def test_a_resize_is_written_only_if_it_is_not_implied() -> None:
    assert "resize" not in dumps(Recipe(steps=(Crop(width=1, height=1), Resize(), Blur(radius=2))))
    assert "resize = {}" in dumps(Recipe(steps=(Blur(radius=2), Resize())))
    assert 'resize = {fit = "fill"}' in dumps(Recipe(steps=(Resize(fit=Fit.FILL), Grayscale())))


def test_a_step_with_one_value_is_written_as_that_value() -> None:
    assert dumps(Recipe(steps=(Watermark(image="logo.png"),))) == '[[steps]]\nwatermark = "logo.png"\n'
    assert dumps(Recipe(steps=(Sharpen(percent=90),))) == "[[steps]]\nsharpen = {percent = 90}\n"
