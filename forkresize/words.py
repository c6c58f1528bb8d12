"""Words that people type: which one is meant by another spelling, and which ones are close."""

import re
from collections.abc import Iterable
from enum import StrEnum

_MAX_LENGTH = 100
"""A longer text is not compared."""

_MAX_SUGGESTIONS = 3

_ALMOST = 0.8
"""Similarity from which a word is probably a misspelling; if there is one, less similar words are not suggested."""

_SYNONYMS = {
    "top": "north",
    "upper": "north",
    "bottom": "south",
    "lower": "south",
    "right": "east",
    "left": "west",
    "middle": "center",
    "centre": "center",
    "crop": "cover",
    "pad": "contain",
    "stretch": "fill",
    "horizontal": "h",
    "vertical": "v",
    "smart": "attention",
}
"""Words of other programs, with ours."""

_ORDER = ("north", "south", "east", "west")


class WordEnum(StrEnum):
    """An enumeration whose members are found by any spelling of their words; see ``find_word``."""

    @classmethod
    def _missing_(cls, value: object) -> "WordEnum | None":
        word = find_word(value, cls) if isinstance(value, str) else None
        return None if word is None else cls(word)


def find_word(text: str, words: Iterable[str]) -> str | None:
    """Return the word that a text spells, in any case and with "-", "_", a space or nothing between its parts."""
    if len(text) > _MAX_LENGTH:
        return None
    folded = _fold(text)
    return next((str(word) for word in words if _fold(word) == folded), None)


def closest_words(text: str, words: Iterable[str]) -> list[str]:
    """Return up to three words that may be meant by a text, the closest first."""
    from difflib import get_close_matches

    if len(text) > _MAX_LENGTH:
        return []
    by_folded = {_fold(word): str(word) for word in words}
    meant = by_folded.get(_fold("".join(_translate(text))))
    if meant is not None:
        return [meant]
    folded = _fold(text)
    close = get_close_matches(folded, by_folded, _MAX_SUGGESTIONS, _ALMOST) or get_close_matches(folded, by_folded)
    return [by_folded[each] for each in close]


def suggest(text: str, words: Iterable[str]) -> str:
    """Return a question to follow a message, such as ``; did you mean north?``; empty if no word is close."""
    close = closest_words(text, words)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def one_of(text: object, words: Iterable[str]) -> str:
    """Return which words are accepted, to follow "use", and which of them may be meant."""
    known = list(map(str, words))
    return f"one of {', '.join(known)}{suggest(text, known) if isinstance(text, str) else ''}"


def _fold(text: str) -> str:
    return re.sub(r"[-_\s]", "", text).lower()


def _translate(text: str) -> list[str]:
    """Return the parts of a text, with our words for those of other programs."""
    found = re.findall("|".join([*_SYNONYMS, r"[a-z\d]+"]), text.lower())
    parts = [_SYNONYMS.get(part, part) for part in found]
    parts.sort(key=lambda part: _ORDER.index(part) if part in _ORDER else len(_ORDER))
    return [part for part in parts if part != "center"] or parts[:1]
