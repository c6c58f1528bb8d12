"""The outputs that exist after a run, by source."""

import os
from collections.abc import Iterator
from itertools import groupby

from msgspec import Struct

from forkresize.report.outcome_store import OutcomeStore, Row


class OutputFile(Struct, frozen=True):
    """An output that exists.

    Attributes:
        path: its path.
        width: in pixels.
        height: in pixels.
        format: Pillow's name in lower case.
        bytes: its size.
    """

    path: str
    width: int
    height: int
    format: str
    bytes: int


class SourceOutputs(Struct, frozen=True):
    """A source that has outputs.

    Attributes:
        name: its path relative to its root, with ``/`` as the separator.
        size: in bytes.
        renditions: its outputs, in the order of the recipe.
    """

    name: str
    size: int
    renditions: tuple[OutputFile, ...]


class OutputIndex:
    """Iterate over the sources that have outputs, sorted by name, from the outcomes in a store."""

    def __init__(self, store: OutcomeStore) -> None:
        self._store = store

    def __iter__(self) -> Iterator[SourceOutputs]:
        rows = self._store.rows(
            "WHERE out_format IS NOT NULL AND destination IS NOT NULL ORDER BY name, source, rendition, rowid"
        )
        for (name, _, size), group in groupby(rows, lambda row: (row.name, row.source, row.in_bytes)):
            # If an output has several outcomes, the last one counts.
            outputs = {row.rendition: row for row in group}
            yield SourceOutputs(os.fsdecode(name), size, tuple(map(_output, outputs.values())))


def _output(row: Row) -> OutputFile:
    return OutputFile(
        os.fsdecode(row.destination or b""),
        row.out_width or 0,
        row.out_height or 0,
        row.out_format or "",
        row.out_bytes or 0,
    )
