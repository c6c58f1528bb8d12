"""Which outputs there are after a run, by source, gathered from its outcomes. Writes no file."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct

from forkresize.errors import DestinationError, ForkresizeError
from forkresize.job import Source
from forkresize.outcome import Outcome, Reason, Skipped, Unchanged, Written

_TABLE = """
    CREATE TABLE renditions (
        name BLOB, path BLOB, size INTEGER, number INTEGER,
        output BLOB, width INTEGER, height INTEGER, format TEXT, bytes INTEGER,
        PRIMARY KEY (name, path, number)
    ) WITHOUT ROWID
"""


class Header(Protocol):
    """What the header of a picture's file says."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def format(self) -> str:
        """In Pillow's lower-case name."""

    @property
    def bytes(self) -> int:
        """Size of the file."""


class OutputFile(Struct, frozen=True):
    """One output that is there.

    Attributes:
        path: where it is.
        width: in pixels.
        height: in pixels.
        format: in Pillow's lower-case name.
        bytes: its size.
    """

    path: str
    width: int
    height: int
    format: str
    bytes: int


class SourceOutputs(Struct, frozen=True):
    """One source that has outputs.

    Attributes:
        name: where it lies below its root, with ``/`` between the parts.
        size: in bytes.
        renditions: its outputs, in the order of the recipe.
    """

    name: str
    size: int
    renditions: tuple[OutputFile, ...]


class OutputIndex:
    """A reporter that keeps which outputs there are, made now or earlier; in a file once there are many.

    Iterating yields an Entry for every source that has outputs, by name, in whatever order they were told of.

    Attributes:
        left_out: how many outputs are there that can't be told the size of.
        complaint: about the first of them.

    Args:
        probe: reads the header of an output that was there before; raises ForkresizeError if it can't.
    """

    def __init__(self, probe: Callable[[str], Header]) -> None:
        self.left_out = 0
        self.complaint = ""
        self._probe = probe
        # The empty name is that of a temporary database, which goes when it is closed.
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rows.close()

    def __call__(self, outcome: Outcome) -> None:
        """Take note of an output that is there.

        Raises:
            DestinationError: there is no room for it among the system's temporary files.
        """
        if isinstance(outcome.detail, Written) and outcome.destination is not None:
            made = OutputFile(
                outcome.destination, *outcome.detail.out_size, outcome.detail.out_format, outcome.detail.out_bytes
            )
            self._keep(outcome.source, outcome.rendition, made)
        elif _was_there(outcome) and outcome.destination is not None:
            self._look_at(outcome, outcome.destination)

    def __iter__(self) -> Iterator[SourceOutputs]:
        rows = self._rows.execute("SELECT * FROM renditions ORDER BY name, path, number")
        for (name, _, size), group in groupby(rows, itemgetter(0, 1, 2)):
            yield SourceOutputs(
                os.fsdecode(name), size, tuple(OutputFile(os.fsdecode(row[4]), *row[5:]) for row in group)
            )

    def _look_at(self, outcome: Outcome, path: str) -> None:
        try:
            found = self._probe(path)
        except ForkresizeError as error:
            self.left_out += 1
            self.complaint = self.complaint or f"{path}: {str(error) or 'not a picture'}"
            return
        listed = OutputFile(path, found.width, found.height, found.format, found.bytes)
        self._keep(outcome.source, outcome.rendition, listed)

    def _keep(self, source: Source, number: int, made: OutputFile) -> None:
        # Names of any bytes, which text could not hold.
        name, path, output = map(os.fsencode, (source.relative, source.path, made.path))
        row = name, path, source.size, number, output, made.width, made.height, made.format, made.bytes
        try:
            self._rows.execute("INSERT OR REPLACE INTO renditions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise DestinationError(f"the outputs can't be kept to be listed: {error}") from error


def _was_there(outcome: Outcome) -> bool:
    return isinstance(outcome.detail, Unchanged) or (
        isinstance(outcome.detail, Skipped) and outcome.reason is Reason.EXISTS
    )
