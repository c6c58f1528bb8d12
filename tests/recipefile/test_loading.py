import os
from pathlib import Path

import pytest

from forkresize.recipe import (
    Blur,
    Crop,
    Fit,
    Flip,
    Format,
    Gravity,
    Grayscale,
    Recipe,
    Rendition,
    Resize,
    Rotate,
    Sharpen,
    Size,
    Trim,
    Watermark,
)
from forkresize.recipefile import RecipeFileError, dumps, load_recipe, loads

WEB = """
color = "srgb"
background = "white"

[[steps]]
crop = "1000x1000+10+10"

[[steps]]
resize = { fit = "cover", gravity = "attention" }

[[steps]]
watermark = { text = "© me", gravity = "south-east", scale = 10 }

[[renditions]]
width = 400
height = 400
format = "webp"
quality = 80

[[renditions]]
size = "800x600>"
format = "jpeg"
max-bytes = "300K"
"""


def test_a_file_holds_steps_in_order_and_renditions() -> None:
    assert loads(WEB) == Recipe(
        steps=(
            Crop(width=1000, height=1000, left=10, top=10),
            Resize(fit=Fit.COVER, gravity=Gravity.ATTENTION),
            Watermark(text="© me", scale=10),
        ),
        renditions=(
            Rendition(size=Size(width=400, height=400), format=Format.WEBP, quality=80),
            Rendition(size=Size(width=800, height=600, enlarge=False), format=Format.JPEG, max_bytes=300_000),
        ),
    )


def test_an_empty_file_is_the_default_recipe() -> None:
    assert loads("") == Recipe()


def test_steps_may_come_in_any_order_and_more_than_once() -> None:
    text = "steps = [\n  { blur = 2 },\n  { resize = {} },\n  { crop = '9x9' },\n  { blur = 0.5 },\n]"
    assert loads(text).steps == (Blur(radius=2), Resize(), Crop(width=9, height=9), Blur(radius=0.5))


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("rotate = 90", Rotate(degrees=90)),
        ("rotate = { degrees = 1.5 }", Rotate(degrees=1.5)),
        ("flip = 'h'", Flip(axis="h")),  # type: ignore[arg-type]
        ("crop = { width = 4, height = 3 }", Crop(width=4, height=3)),
        ("trim = true", Trim()),
        ("trim.tolerance = 3", Trim(tolerance=3)),
        ("grayscale = {}", Grayscale()),
        ("sharpen = 'auto'", Sharpen()),
        ("sharpen = '1,80,3'", Sharpen(radius=1, percent=80, threshold=3)),
        ("sharpen = { percent = 80 }", Sharpen(percent=80)),
        ("watermark = 'logo.png'", Watermark(image="logo.png")),
        ("watermark = { image = 'logo.png', gravity = 'tile' }", Watermark(image="logo.png", gravity=None)),
    ],
)
def test_a_step_is_written_as_a_value_or_a_table(written: str, step: object) -> None:
    assert step in loads(f"[[steps]]\n{written}").steps


@pytest.mark.parametrize(
    ("written", "rendition"),
    [
        ("format = 'keep'", Rendition()),
        ("scale = 50", Rendition(size=Size(scale=(50, 50)))),
        ("scale = [50, 25]", Rendition(size=Size(scale=(50, 25)))),
        ("quality = 'jpeg=30,webp=40'", Rendition(quality={"jpeg": 30, "webp": 40})),
        ("quality = { jpeg = 30 }", Rendition(quality={"jpeg": 30})),
        ("max_bytes = 5", Rendition(max_bytes=5)),
        ("max-bytes = '5'", Rendition(max_bytes=5)),
        ("max-bytes = '1.5 kB'", Rendition(max_bytes=1_500)),
        ("max-bytes = '1.001K'", Rendition(max_bytes=1_001)),
        ("max-bytes = '2m'", Rendition(max_bytes=2_000_000)),
        ("max-bytes = '2MiB'", Rendition(max_bytes=2 * 1024 * 1024)),
    ],
)
def test_a_rendition_is_written_like_its_options(written: str, rendition: Rendition) -> None:
    assert loads(f"[[renditions]]\n{written}").renditions == (rendition,)


@pytest.mark.parametrize("color", ["'#ff8000'", "'rgb(255, 128, 0)'", "[255, 128, 0]", "[255, 128, 0, 255]"])
def test_a_color_is_text_or_an_array(color: str) -> None:
    assert loads(f"background = {color}").background == (255, 128, 0, 255)


def test_max_pixels_are_in_millions() -> None:
    assert loads("max-pixels = 0.5").max_pixels == 500_000


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "web.toml"
    file.write_text(
        "[[steps]]\nwatermark = { text = 'x', font = '../fonts/a.ttf' }\n[[steps]]\nwatermark = '/logo.png'"
    )
    text, image = load_recipe(file).steps_after_resize
    assert text == Watermark(text="x", font=os.path.join(tmp_path, "../fonts/a.ttf"))
    assert image == Watermark(image="/logo.png")


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "web.toml"
    file.write_bytes(b"\xef\xbb\xbf" + WEB.encode())
    assert load_recipe(str(file)) == loads(WEB)


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeFileError, match=r"web\.toml: No such file or directory$"):
        load_recipe(tmp_path / "web.toml")


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "web.toml"
    file.write_bytes("color = 'srgb'\n# grün".encode("latin-1"))
    with pytest.raises(RecipeFileError, match=r"web\.toml:2: not encoded in UTF-8$"):
        load_recipe(file)


def test_words_are_spelled_in_any_way() -> None:
    text = """
        metadata = "Copyright"
        [[steps]]
        resize = { fit = "Cover", gravity = "NorthWest" }
        [[renditions]]
        size = "8x8"
        format = "JPG"
        quality = { jpg = 70 }
    """
    exact = Recipe.of(
        metadata="copyright", fit="cover", gravity="north-west", size="8x8", format="jpeg", quality="jpeg=70"
    )
    assert loads(text) == exact


def test_a_factor_instead_of_a_percentage_is_refused() -> None:
    with pytest.raises(RecipeFileError, match=r"scale: invalid percentage 0.5: use 50% for 0.5 times the size"):
        loads("[[renditions]]\nscale = 0.5")
    with pytest.raises(RecipeFileError, match=r"scale: invalid percentage 0.25: use 25%"):
        loads("[[renditions]]\nscale = [50, 0.25]")
    small = Recipe.of(scale="0.5%")
    assert loads('[[renditions]]\nscale = "0.5%"') == loads(dumps(small)) == small
