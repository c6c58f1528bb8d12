"""The HTML as a browser parses it."""

import os
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.report.index.outputs import OutputFile, SourceOutputs
from forkresize.report.index.srcset import SRCSET, group_by_shape

Tag = tuple[str, dict[str, str | None]]


class Parsed(HTMLParser):
    """All tags and comments of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.comments: list[str] = []
        self.ended: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.ended.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def listed(name: str, width: int, height: int, kind: str = "jpeg") -> OutputFile:
    return OutputFile(name, width, height, kind, 1)


def text(*renditions: OutputFile, name: str = "a.jpg") -> str:
    return "".join(SRCSET.render([SourceOutputs(name, 1, renditions)], lambda path: f"img/{path}"))


def tags(*renditions: OutputFile) -> list[Tag]:
    return Parsed(text(*renditions)).tags


def test_every_width_is_offered_in_every_format() -> None:
    made = [
        listed(f"a-{width}w.{kind}", width, height, kind)
        for width, height in ((400, 300), (800, 600))
        for kind in ("jpeg", "avif", "webp")
    ]
    assert tags(*made) == [
        ("picture", {}),
        (
            "source",
            {"type": "image/avif", "srcset": "img/a-400w.avif 400w, img/a-800w.avif 800w", "sizes": "100vw"},
        ),
        (
            "source",
            {"type": "image/webp", "srcset": "img/a-400w.webp 400w, img/a-800w.webp 800w", "sizes": "100vw"},
        ),
        (
            "img",
            {
                "src": "img/a-800w.jpeg",
                "srcset": "img/a-400w.jpeg 400w, img/a-800w.jpeg 800w",
                "sizes": "100vw",
                "width": "800",
                "height": "600",
                "alt": "",
                "loading": "lazy",
                "decoding": "async",
            },
        ),
    ]


def test_single_width_has_no_descriptor() -> None:
    [_, (_, source), (_, img)] = tags(listed("a.webp", 40, 30, "webp"), listed("a.png", 40, 30, "png"))
    assert source == {"type": "image/webp", "srcset": "img/a.webp"}
    assert img["src"] == "img/a.png"
    assert "srcset" not in img
    assert "sizes" not in img


def test_outputs_of_one_width_are_offered_once() -> None:
    [_, (_, img)] = tags(listed("a.jpg", 40, 30), listed("b.jpg", 40, 30), listed("c.jpg", 20, 15))
    assert img["srcset"] == "img/c.jpg 20w, img/a.jpg 40w"


@pytest.mark.parametrize(
    ("kinds", "offered", "fallback"),
    [
        (["gif", "png", "jpeg", "avif"], ["image/avif"], "jpeg"),
        (["png", "gif"], [], "png"),
        (["webp", "avif"], ["image/avif"], "webp"),
        (["webp", "jpeg", "avif", "jxl"], ["image/jxl", "image/avif", "image/webp"], "jpeg"),
        (["avif"], [], "avif"),
        (["tiff", "gif"], [], "gif"),
        (["ico", "bmp"], [], "bmp"),
    ],
)
def test_most_compatible_format_is_the_fallback(kinds: list[str], offered: list[str], fallback: str) -> None:
    _, *sources, (last, img) = tags(*(listed(f"a.{kind}", 40, 30, kind) for kind in kinds))
    assert [attributes["type"] for _, attributes in sources] == offered
    assert (last, img["src"]) == ("img", f"img/a.{fallback}")


def test_source_without_shown_formats_is_a_comment() -> None:
    parsed = Parsed(text(listed("a.tif", 40, 30, "tiff")))
    assert parsed.tags == []
    assert parsed.comments[1:] == [" a.jpg: no output in a format that browsers show "]


def test_other_aspect_ratios_are_separate_pictures() -> None:
    thumbnail, middle, large = listed("t.jpg", 300, 300), listed("m.jpg", 301, 200), listed("l.jpg", 1000, 665)
    _, (_, whole), _, (_, square) = tags(thumbnail, middle, large)
    assert whole["srcset"] == "img/m.jpg 301w, img/l.jpg 1000w"
    assert (square["src"], square["width"], square["height"]) == ("img/t.jpg", "300", "300")


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    widths=st.lists(st.integers(1, 5000), min_size=1, max_size=5, unique=True),
)
def test_sizes_of_one_picture_are_one_group(width: int, height: int, widths: list[int]) -> None:
    sizes = [(each, max(1, (2 * height * each + width) // (2 * width))) for each in widths]
    if all(2 * height * each >= width for each in widths):
        assert len(group_by_shape(listed("", *size) for size in sizes)) == 1


def test_urls_of_any_name_lead_to_the_file(hostile: str) -> None:
    for name in (hostile, "-->.jpg", "--!>'\"&amp;.jpg", "a b,c.jpg 2x, d", "#?%&<>.jpg", "javascript:x"):
        parsed = Parsed(text(listed(name, 4, 3, "webp"), listed(name, 4, 3), name=name))
        assert [tag for tag, _ in parsed.tags] == ["picture", "source", "img"]
        assert parsed.ended == ["picture"]
        assert parsed.text.strip() == ""
        assert len(parsed.comments) == 2
        for url in (parsed.tags[1][1]["srcset"], parsed.tags[2][1]["src"]):
            assert url is not None
            assert not set(url) & set(" ,'\"<>&?#")
            assert unquote_to_bytes(url) == os.fsencode(f"img/{name}")


def test_file_is_recognized_by_its_first_line() -> None:
    assert SRCSET.beginning.match("".join(SRCSET.render([], str)).encode())
    assert not SRCSET.beginning.match(b"<!DOCTYPE html>\n<!-- Made by forkresize")
