import os
from pathlib import Path

import pytest
from PIL import ImageFont, features

from forkresize.errors import FieldError
from forkresize.image.watermark.font import font, lines, missing_glyphs
from forkresize.recipe import Watermark


def test_a_font_is_loaded_from_a_file(latin: str) -> None:
    assert font(latin, 40).getname() == ("Aileron", "Regular")
    assert font(None, 40).getname() == ("Noto Sans", "Regular")


def test_scripts_are_shaped_where_raqm_is() -> None:
    expected = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    assert font(None, 40).layout_engine is expected


def test_a_file_is_read_once(latin: str) -> None:
    font(latin, 40)
    os.unlink(latin)
    assert font(latin, 41).getlength("Jane") > 0


@pytest.mark.parametrize("content", [b"", b"no font", None])
def test_a_file_that_is_not_a_font_is_refused_with_its_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "some.ttf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FieldError, match=r"some\.ttf") as caught:
        font(str(path), 40)
    assert caught.value.field == "watermark_font"


def test_a_pillow_without_freetype_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ImportError("The _imagingft C module is not installed")

    monkeypatch.setattr(ImageFont, "truetype", fail)
    with pytest.raises(FieldError, match="without FreeType") as caught:
        font(None, 12.345)
    assert caught.value.field == "watermark_text"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("© Jane Doe 2026", ""),
        ("Grüße, 世界, 世", "世界"),
        ("שלום", "שלום"),
        ("tab\tand\nline\r\nand no-break\u00a0space", ""),
        ("joined\u200d by\u200c marks\u200f\ufe0f", ""),
        ("a\U000e0100", ""),
        ("\uffff", "\uffff"),
    ],
)
def test_missing_glyphs_are_listed_once_each(text: str, missing: str) -> None:
    missing_ones = missing_glyphs(Watermark(text=text))
    # Which of the accents there are is up to the font.
    assert missing_ones.replace("ü", "").replace("ß", "") == missing


def test_a_watermark_picture_has_no_missing_glyphs() -> None:
    assert missing_glyphs(Watermark(image="logo.png")) == ""


def test_combining_marks_are_composed_where_possible() -> None:
    assert lines("e\u0301") == "\u00e9"
    assert lines("a\tb\r\nc\u2028d") == "a   b\nc\nd"
