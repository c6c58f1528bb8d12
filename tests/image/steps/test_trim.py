import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from forkresize.image.picture import Picture
from forkresize.image.steps.trim import common_crop, content_box, trim
from forkresize.recipe import Crop, Rotate, Trim

WHITE = 255, 255, 255, 255


@given(st.data(), st.sampled_from(["L", "LA", "RGB", "RGBA"]))
def test_the_box_holds_all_that_differs_and_no_more(data: st.DataObject, mode: str) -> None:
    width, height = data.draw(st.integers(2, 40)), data.draw(st.integers(2, 40))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    image = Image.new("RGBA", (width, height), (240, 240, 240, 255))
    image.paste((20, 90, 200, 255), (left, top, right, bottom))
    box = left, top, right, bottom
    if (left, top) == (0, 0):
        # What is in the corner counts as the border.
        assert image.getpixel((0, 0)) == (20, 90, 200, 255)
    else:
        assert content_box(image.convert(mode), Trim()) == box


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("color", ["white", "black", "#00000000"])
def test_one_color_is_kept_whole(mode: str, color: str) -> None:
    image = Image.new("RGBA", (7, 5), color).convert(mode)
    assert content_box(image, Trim(tolerance=0)) is None
    picture = Picture.plain(image)
    assert trim(picture, Trim(tolerance=0), WHITE) is picture
    assert common_crop([image, image], Trim()) == Rotate(degrees=0)


@pytest.mark.parametrize(("tolerance", "box"), [(0, (2, 1, 10, 5)), (9, (2, 1, 10, 5)), (10, (5, 2, 8, 4)), (40, None)])
def test_differences_up_to_the_tolerance_do_not_count(tolerance: int, box: tuple[int, int, int, int] | None) -> None:
    image = Image.new("RGB", (12, 6), (100, 100, 100))
    image.paste((100, 110, 100), (2, 1, 10, 5))
    image.paste((100, 100, 60), (5, 2, 8, 4))
    assert content_box(image, Trim(tolerance=tolerance)) == box


def test_hidden_colors_in_a_transparent_border_do_not_count() -> None:
    image = Image.new("RGBA", (12, 6), (255, 0, 0, 0))
    image.paste((0, 255, 90, 0), (1, 1, 11, 3))
    image.paste((0, 255, 90, 128), (4, 2, 7, 5))
    assert content_box(image, Trim()) == (4, 2, 7, 5)


def test_transparency_within_an_opaque_border_counts() -> None:
    image = Image.new("RGBA", (12, 6), (255, 0, 0, 255))
    image.paste((255, 0, 0, 0), (4, 2, 7, 5))
    assert content_box(image, Trim()) == (4, 2, 7, 5)


def test_a_trimmed_picture_shows_what_lies_within_the_border() -> None:
    image = Image.new("L", (12, 6), 255)
    image.paste(0, (4, 2, 7, 5))
    trimmed = trim(Picture.plain(image), Trim(), WHITE)
    assert trimmed.image is image
    assert trimmed.view.size == (12, 6)
    assert trimmed.view.area.left == 4
    assert trimmed.view.area.top == 2
    assert trimmed.view.visible_size == (3, 3)


def test_all_frames_are_cropped_to_their_common_content() -> None:
    frames = [Image.new("L", (12, 6), 255) for _ in range(3)]
    frames[0].paste(0, (2, 1, 4, 3))
    frames[2].paste(0, (7, 2, 9, 5))
    assert common_crop(frames, Trim()) == Crop(width=7, height=4, left=2, top=1)


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "CMYK"])
def test_deep_pixels_and_cmyk_are_analyzed_but_not_changed(mode: str) -> None:
    image = Image.new(mode, (12, 6), 0)
    image.paste(255 if mode == "CMYK" else 60_000, (4, 2, 7, 5))
    assert content_box(image, Trim()) == (4, 2, 7, 5)
    assert trim(Picture.plain(image), Trim(), WHITE).image is image
