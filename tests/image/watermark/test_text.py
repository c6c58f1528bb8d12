import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.image.watermark.text import render_text

ROOM = 10_000, 10_000


@pytest.mark.parametrize("height", [12, 40, 200.5])
def test_capitals_and_descenders_have_the_requested_height(height: float) -> None:
    letters = render_text("Hg", None, height, ROOM, "left").getchannel("L")
    box = letters.point(lambda level: 255 if level > 127 else 0).getbbox()
    assert box is not None
    assert box[3] - box[1] == pytest.approx(height, rel=0.05, abs=2)


def test_letters_are_white_and_their_outline_is_dark() -> None:
    image = render_text("Jane", None, 60, ROOM, "left")
    assert image.mode == "LA"
    letters, all_of_it = image.split()
    assert letters.getextrema() == all_of_it.getextrema() == (0, 255)
    inner, outer = letters.getbbox(), all_of_it.getbbox()
    assert outer == (0, 0, *image.size)
    assert inner is not None
    assert inner[0] > 1
    assert inner[1] > 1
    assert inner[2] < image.width - 1
    assert inner[3] < image.height - 1
    # No letter lies where there is nothing.
    assert all(alpha >= level - 2 for level, alpha in zip(letters.tobytes(), all_of_it.tobytes(), strict=True))


@settings(deadline=None, max_examples=50)
@given(st.floats(1, 300), st.integers(30, 500), st.integers(20, 200), st.sampled_from(["Jane Doe", "Jane\nDoe\n2026"]))
def test_a_text_is_made_smaller_until_it_fits(height: float, width: int, rows: int, text: str) -> None:
    image = render_text(text, None, height, (width, rows), "center")
    assert image.width <= width
    assert image.height <= rows


def test_a_text_that_cannot_fit_is_still_rendered() -> None:
    assert render_text("Jane Doe", None, 50, (1, 1), "center").width > 1


def test_lines_lie_below_each_other() -> None:
    one, two = (render_text(text, None, 40, ROOM, "left") for text in ("Hg", "Hg\nHg"))
    assert two.width == one.width
    assert two.height > 2 * one.height


@pytest.mark.parametrize(
    ("align", "left", "right"), [("left", True, False), ("right", False, True), ("center", False, False)]
)
def test_shorter_lines_are_aligned(align: str, left: bool, right: bool) -> None:
    image = render_text("HHHHHH\nHH", None, 40, ROOM, align).getchannel("A")  # type: ignore[arg-type]
    lower = image.crop((0, image.height * 3 // 4, *image.size)).getbbox()
    assert lower is not None
    assert (lower[0] < 4) is left
    assert (lower[2] > image.width - 4) is right


def test_a_font_without_latin_letters_is_sized_by_its_em(monkeypatch: pytest.MonkeyPatch, latin: str) -> None:
    monkeypatch.setattr("forkresize.image.watermark.text._SAMPLE", " ")
    assert render_text("Hg", latin, 40, ROOM, "left").height == pytest.approx(40, abs=6)


def test_an_invisible_text_renders_an_empty_image() -> None:
    assert render_text("\u200b", None, 40, ROOM, "left").getchannel("A").getbbox() is None
