import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor

from forkresize.recipe import RGBA
from forkresize.recipe.color import parse_color


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("white", (255, 255, 255, 255)),
        ("RebeccaPurple", (102, 51, 153, 255)),
        ("#abc", (170, 187, 204, 255)),
        ("#abc8", (170, 187, 204, 136)),
        ("#102030", (16, 32, 48, 255)),
        ("#10203040", (16, 32, 48, 64)),
        ("rgb(1, 2, 3)", (1, 2, 3, 255)),
        ("rgb(100%, 0%, 0%)", (255, 0, 0, 255)),
        ("hsl(120, 100%, 50%)", (0, 255, 0, 255)),
        (" Transparent ", (0, 0, 0, 0)),
        ("rgba(255, 0, 255, 1)", (255, 0, 255, 255)),
        ("rgba(255,0,255,0.5)", (255, 0, 255, 128)),
        ("rgb(255 0 255 / 50%)", (255, 0, 255, 128)),
        ("rgb(255 0 255)", (255, 0, 255, 255)),
        ("hsla(120, 100%, 50%, .2)", (0, 255, 0, 51)),
        ("rgb(1, 2, 3, 200%)", (1, 2, 3, 255)),
    ],
)
def test_css_notations_are_parsed(text: str, color: RGBA) -> None:
    assert parse_color(text) == color


@pytest.mark.parametrize("text", ["", "whit", "#12", "12", "rgb(1,2)", "#gggggg", "rgba(1,2,3,x)", "rgb(1,2,3,4,5)"])
def test_other_texts_are_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="use a CSS color such as white") as caught:
        parse_color(text)
    assert repr(text) in str(caught.value)


def test_names_have_the_colors_that_pillow_gives_them() -> None:
    for name in ImageColor.colormap:
        assert parse_color(name)[:3] == ImageColor.getrgb(name)[:3]


@given(st.sampled_from(["hsl", "hsv"]), st.integers(0, 360), st.integers(0, 100), st.integers(0, 100))
def test_hues_have_the_colors_that_pillow_gives_them(name: str, hue: int, second: int, third: int) -> None:
    text = f"{name}({hue}, {second}%, {third}%)"
    assert parse_color(text)[:3] == ImageColor.getrgb(text)
