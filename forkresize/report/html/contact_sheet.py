"""The pictures of the page: which ones to show before and after, and which parts at full size."""

import base64
import os
from collections.abc import Iterator, Mapping
from itertools import chain, islice

from msgspec import Struct

from forkresize.report.html.excerpt import DrawExcerpts, Excerpt
from forkresize.report.outcome_store import OutcomeStore, Row

_MAX_PAIRS = 60

_MAX_DETAILS = 8

_DETAIL_SIZE = (256, 192)
"""Maximum width and height in pixels. Without loss, a detail takes at most 150 kB."""

_SHOWN = "WHERE status = 'written' AND destination <> source"
"""Outputs made in place have replaced their sources."""

_ORDERS = (
    "ORDER BY in_bytes DESC LIMIT 20",
    "ORDER BY seconds DESC LIMIT 20",
    "ORDER BY 1.0 * out_bytes / MAX(in_bytes, 1) DESC LIMIT 20",
    "",
)
"""The largest, the slowest, those that saved least, then the first ones."""

_MOST_DETAILED = (
    "ORDER BY ROW_NUMBER() OVER "
    "(PARTITION BY rendition, out_format ORDER BY 1.0 * out_bytes / MAX(out_width * out_height, 1) DESC), "
    "rendition DESC LIMIT ?"
)
"""The most bytes per pixel, of each rendition in turn."""


class Pair(Struct, frozen=True):
    """A picture of the contact sheet.

    Attributes:
        row: its outcome.
        before: the source as a data URL.
        after: the output as a data URL.
    """

    row: Row
    before: str
    after: str


class Detail(Struct, frozen=True):
    """The middle of an output at full size.

    Attributes:
        row: its outcome.
        size: width and height in pixels.
        before: the same part of the source as a data URL, reduced to the same size without loss; None if it is not
            known which part it is.
        after: this part of the output as a data URL.
    """

    row: Row
    size: tuple[int, int]
    before: str | None
    after: str


class Sheet(Struct, frozen=True):
    """All pictures of the page."""

    pairs: list[Pair]
    details: list[Detail]


def make_sheet(store: OutcomeStore, draw: DrawExcerpts, *, same_view: bool = True) -> Sheet:
    """Return the pictures to show, without those that cannot be drawn.

    Args:
        store: the outcomes.
        draw: makes the pictures.
        same_view: whether an output shows the same part of its picture as the source, if it has the same proportions.
    """
    rows = sorted(islice(_candidates(store), _MAX_PAIRS), key=lambda row: row.in_bytes, reverse=True)
    pairs = {row: (Excerpt(os.fsdecode(row.source)), Excerpt(_output(row))) for row in rows}
    details = {row: _detail_excerpts(row, same_view) for row in store.rows(f"{_SHOWN} {_MOST_DETAILED}", _MAX_DETAILS)}
    excerpts = [*chain.from_iterable(pairs.values()), *filter(None, chain.from_iterable(details.values()))]
    urls = _data_urls(draw(list(dict.fromkeys(excerpts)))) if excerpts else {}
    return Sheet(
        [Pair(row, urls[one], urls[two]) for row, (one, two) in pairs.items() if one in urls and two in urls],
        [
            Detail(row, _detail_size(row), urls.get(before) if before else None, urls[after])
            for row, (before, after) in details.items()
            if after in urls
        ],
    )


def _candidates(store: OutcomeStore) -> Iterator[Row]:
    """Yield one output of each source, the most interesting ones first."""
    seen = set()
    for row in chain.from_iterable(store.rows(f"{_SHOWN} {order}") for order in _ORDERS):
        if row.source not in seen:
            seen.add(row.source)
            yield row


def _detail_excerpts(row: Row, same_view: bool) -> tuple[Excerpt | None, Excerpt]:
    """Return a part of the source, if it is known which, and the same part of the output."""
    in_width, in_height = row.in_width or 0, row.in_height or 0
    out_width, out_height = row.out_width or 1, row.out_height or 1
    width, height = _detail_size(row)
    left, top = (out_width - width) // 2, (out_height - height) // 2
    after = Excerpt(_output(row), (left, top, width, height))
    # A side may have been rounded by a pixel.
    has_same_shape = abs(in_width * out_height - in_height * out_width) <= max(in_width, in_height)
    if not (same_view and has_same_shape):
        return None, after
    box = (
        left * in_width // out_width,
        top * in_height // out_height,
        max(1, width * in_width // out_width),
        max(1, height * in_height // out_height),
    )
    return Excerpt(os.fsdecode(row.source), box, (width, height)), after


def _detail_size(row: Row) -> tuple[int, int]:
    width, height = _DETAIL_SIZE
    return min(width, row.out_width or 1), min(height, row.out_height or 1)


def _output(row: Row) -> str:
    return os.fsdecode(row.destination or b"")


def _data_urls(pictures: Mapping[Excerpt, bytes]) -> dict[Excerpt, str]:
    return {excerpt: _data_url(picture) for excerpt, picture in pictures.items()}


def _data_url(picture: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(picture).decode("ascii")
