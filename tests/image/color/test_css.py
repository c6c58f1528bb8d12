"""Colors as people write them."""

import pytest

from forkresize.image.color.css import parse_color
from forkresize.recipe import RGBA


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
def test_colors_are_read_as_css_writes_them(text: str, color: RGBA) -> None:
    assert parse_color(text) == color


@pytest.mark.parametrize("text", ["", "whit", "#12", "12", "rgb(1,2)", "#gggggg", "rgba(1,2,3,x)", "rgb(1,2,3,4,5)"])
def test_anything_else_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(ValueError, match="is no color; try a CSS name") as caught:
        parse_color(text)
    assert repr(text) in str(caught.value)
