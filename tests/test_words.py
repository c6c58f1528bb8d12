"""Words in other spellings, and suggestions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.recipe import Fit, Gravity, IfLarger, Subsampling
from forkresize.words import closest_words, find_word, one_of, suggest

WORDS = [*Gravity, *Fit, *IfLarger, *Subsampling]


@given(st.sampled_from(WORDS), st.sampled_from(["", "-", "_", " "]), st.data())
def test_any_case_and_separator_spells_the_same_word(word: str, separator: str, data: st.DataObject) -> None:
    letters = data.draw(st.lists(st.booleans(), min_size=len(word), max_size=len(word)))
    text = "".join(each.upper() if upper else each for each, upper in zip(word, letters, strict=True))
    assert find_word(text.replace("-", separator), WORDS) == word
    assert type(word)(text.replace("-", separator)) is word


@given(st.sampled_from(WORDS), st.text("abcxyz019", min_size=1, max_size=300))
def test_another_text_is_refused(word: str, more: str) -> None:
    text = f"{word}x{more}"
    assert find_word(text, WORDS) is None
    assert len(closest_words(text, WORDS)) <= 3
    with pytest.raises(ValueError, match="is not a valid"):
        type(word)(text)


@given(st.text(max_size=300))
def test_any_text_can_be_compared(text: str) -> None:
    assert find_word(text, WORDS) in {None, *WORDS}
    assert set(closest_words(text, WORDS)) <= set(WORDS)


@pytest.mark.parametrize(
    ("text", "words", "close"),
    [
        ("bottom-right", Gravity, ["south-east"]),
        ("right bottom", Gravity, ["south-east"]),
        ("TopLeft", Gravity, ["north-west"]),
        ("leftbottom", Gravity, ["south-west"]),
        ("top_center", Gravity, ["north"]),
        ("middle", Gravity, ["center"]),
        ("centre", Gravity, ["center"]),
        ("southeast-", Gravity, ["south-east"]),
        ("crop", Fit, ["cover"]),
        ("top", Fit, []),
        ("widht", ["fit", "height", "width"], ["width"]),
        ("a" * 1000, Gravity, []),
        ("", Gravity, []),
    ],
)
def test_the_closest_words_are_found(text: str, words: list[str], close: list[str]) -> None:
    assert closest_words(text, words) == close


def test_closer_words_come_first() -> None:
    assert closest_words("axsi", ["min-size", "max-size"]) == ["max-size"]
    assert closest_words("nort-wast", [*Gravity][1:])[:2] == ["north-west", "north-east"]
    assert closest_words("sizes", ["size", "max-size"]) == ["size"]


def test_messages_suggest_only_what_is_close() -> None:
    assert suggest("nort", Gravity) == "; did you mean north?"
    assert suggest("qqq", Gravity) == ""
    assert one_of("insid", Fit) == "one of inside, cover, contain, outside, fill; did you mean inside?"
    assert one_of(5, Fit) == "one of inside, cover, contain, outside, fill"
