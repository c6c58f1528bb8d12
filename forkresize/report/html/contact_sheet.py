"""The contact sheet: which pictures to show before and after."""

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from msgspec import Struct

from forkresize.report.outcome_store import OutcomeStore, Row

Thumbnails = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Returns small WebP versions by path; pictures that cannot be decoded are missing."""

_MAX_PAIRS = 60

_SHOWN = "WHERE status = 'written' AND destination <> source"
"""Outputs made in place have replaced their sources."""

_ORDERS = (
    "ORDER BY in_bytes DESC LIMIT 20",
    "ORDER BY seconds DESC LIMIT 20",
    "ORDER BY 1.0 * out_bytes / MAX(in_bytes, 1) DESC LIMIT 20",
    "",
)
"""The largest, the slowest, those that saved least, then the first ones."""


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


def choose_pairs(store: OutcomeStore, thumbnails: Thumbnails) -> list[Pair]:
    """Return the pictures to show that have thumbnails, the largest first."""
    chosen = list(islice(_candidates(store), _MAX_PAIRS))
    paths = dict.fromkeys(os.fsdecode(path) for row in chosen for path in (row.source, row.destination) if path)
    urls = {os.fsencode(path): _data_url(picture) for path, picture in thumbnails(list(paths)).items()} if paths else {}
    chosen.sort(key=lambda row: row.in_bytes, reverse=True)
    return [
        Pair(row, urls[row.source], urls[row.destination])
        for row in chosen
        if row.destination and row.source in urls and row.destination in urls
    ]


def _candidates(store: OutcomeStore) -> Iterator[Row]:
    """Yield one output of each source, the most interesting ones first."""
    seen = set()
    for row in chain.from_iterable(store.rows(f"{_SHOWN} {order}") for order in _ORDERS):
        if row.source not in seen:
            seen.add(row.source)
            yield row


def _data_url(picture: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(picture).decode("ascii")
