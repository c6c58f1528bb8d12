"""Filters PNG's text chunks, and the comments of other formats."""

from collections.abc import Collection, Mapping

from PIL.Image import Image

from forkresize.formats.metadata import AUTHOR, COMMENT, COPYRIGHT
from forkresize.formats.png import XMP_KEYWORD
from forkresize.recipe import Drop, Metadata

_CREDIT = frozenset({AUTHOR, COPYRIGHT})

_DESCRIPTIVE = _CREDIT | {
    "Title",
    "Description",
    "Creation Time",
    "Software",
    "Disclaimer",
    "Warning",
    "Source",
    COMMENT,
    "Collection",
}
"""The keywords that PNG 3 defines in 11.3.3.2, except for XMP's."""

_HARMLESS = _CREDIT | {"Creation Time", "Software"}
"""The keywords that are kept if something is dropped: all other texts can name persons and places."""

_NOT_TEXT = (XMP_KEYWORD, "Raw profile type ", "Thumb::")
"""Beginnings of keywords whose texts are encoded blocks, or describe the thumbnail of another file."""

_LONGEST_KEYWORD = 79


def filter_texts(image: Image, policy: Metadata, drop: Collection[Drop] = ()) -> Mapping[str, str]:
    """Return the texts for an output; comments of formats other than PNG are kept only if everything is."""
    if image.format == "PNG":
        texts = {str(key): str(value) for key, value in image.info.items() if isinstance(value, str)}
        return {key: text for key, text in texts.items() if _is_kept(key, policy, drop)}
    comment = image.info.get("comment")
    if policy is not Metadata.ALL or drop or not comment:
        return {}
    return {COMMENT: comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)}


def _is_kept(key: str, policy: Metadata, drop: Collection[Drop]) -> bool:
    if drop and key not in _HARMLESS:
        return False
    if policy is Metadata.ALL:
        return len(key) <= _LONGEST_KEYWORD and not key.startswith(_NOT_TEXT)
    return key in (_DESCRIPTIVE if policy is Metadata.SAFE else _CREDIT)
