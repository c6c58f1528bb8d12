"""The contact sheet: which pictures are shown before and after. Decodes nothing."""

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from msgspec import Struct

from forkresize.report.html.outcome_store import OutcomeStore, Row

Thumbnails = Callable[[Sequence[str]], Mapping[str, bytes]]
"""From paths of pictures to small WebP versions of them; what can't be made is missing."""

_MAX_PAIRS = 60

_SHOWN = "WHERE status = 'written' AND destination <> source"
"""What was made in place has no before any more."""

_PARTS = (
    "ORDER BY in_bytes DESC LIMIT 20",
    "ORDER BY seconds DESC LIMIT 20",
    "ORDER BY 1.0 * out_bytes / MAX(in_bytes, 1) DESC LIMIT 20",
    "",
)
"""The largest, the slowest, those that saved least; then whatever was first."""


class Pair(Struct, frozen=True):
    """One picture of the contact sheet.

    Attributes:
        row: what became of it.
        before: the source as a data URL.
        after: the output likewise.
    """

    row: Row
    before: str
    after: str


def choose_pairs(spool: OutcomeStore, thumbnails: Thumbnails) -> list[Pair]:
    """Return the pictures to show, the largest first; those of which there are thumbnails."""
    chosen = list(islice(_chosen(spool), _MAX_PAIRS))
    paths = dict.fromkeys(os.fsdecode(path) for row in chosen for path in (row.source, row.destination) if path)
    made = {os.fsencode(path): _url(picture) for path, picture in thumbnails(list(paths)).items()} if paths else {}
    chosen.sort(key=lambda row: row.in_bytes, reverse=True)
    return [
        Pair(row, made[row.source], made[row.destination])
        for row in chosen
        if row.destination and row.source in made and row.destination in made
    ]


def _chosen(spool: OutcomeStore) -> Iterator[Row]:
    """Yield one output of each source, the most interesting ones first."""
    met = set()
    for row in chain.from_iterable(spool.rows(f"{_SHOWN} {part}") for part in _PARTS):
        if row.source not in met:
            met.add(row.source)
            yield row


def _url(picture: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(picture).decode("ascii")
