"""The text of a TOML file and what tomllib makes of it, or what is wrong on which line. Knows no key."""

import re
import tomllib
from functools import cached_property
from typing import Any

from msgspec import Struct

from forkresize.tomlfile.errors import Path, TomlFileError, TomlValueError, format_key
from forkresize.tomlfile.positions import lines_of, nearest, walk

_LARGEST = 2**63
"""TOML's whole numbers have 64 bits."""


class Document(Struct, frozen=True, dict=True):
    """A TOML file that was read.

    Attributes:
        name: what errors call it.
        text: what is in it.
        data: what tomllib makes of that.
        error: what its faults are raised as.
    """

    name: str
    text: str
    data: dict[str, Any]
    error: type[TomlFileError] = TomlFileError

    def line_of(self, path: Path) -> int:
        """Return the line, from 1, of what is at a path, or else of the nearest above it that is there."""
        return nearest(self._lines, path)

    def error_at(self, fault: TomlValueError) -> TomlFileError:
        """Return the error that a fault amounts to, with line and key."""
        return self.error(self.name, fault.message, line=self.line_of(fault.path), key=format_key(fault.path))

    @cached_property
    def _lines(self) -> dict[Path, int]:
        return lines_of(self.text)


def read(name: str, error: type[TomlFileError] = TomlFileError) -> Document:
    """Return the TOML file of a name.

    Args:
        name: its path.
        error: what is raised.

    Raises:
        TomlFileError: it can't be read, or is no TOML; of the kind that was asked for.
    """
    try:
        with open(name, "rb") as file:
            content = file.read()
    except OSError as refusal:
        raise error(name, refusal.strerror or str(refusal)) from refusal
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as refusal:
        line = content.count(b"\n", 0, refusal.start) + 1
        raise error(name, "not encoded in UTF-8", line=line) from None
    return parse(text, name, error)


def parse(text: str, name: str, error: type[TomlFileError] = TomlFileError) -> Document:
    """Return the TOML document that a text is.

    Args:
        text: the TOML.
        name: what errors call it.
        error: what is raised.

    Raises:
        TomlFileError: it is no TOML; of the kind that was asked for.
    """
    try:
        document = Document(name, text, tomllib.loads(text), error)
    except tomllib.TOMLDecodeError as refusal:
        message, line = _told(str(refusal), text)
        raise error(name, message, line=line) from None
    except ValueError:
        raise error(name, "a number has thousands of digits") from None
    except RecursionError:
        raise error(name, "arrays or tables are nested hundreds deep") from None
    _refuse_huge_numbers(document)
    return document


def _told(message: str, text: str) -> tuple[str, int]:
    """Return what tomllib says is wrong, and on which line."""
    told, _, place = message.rpartition(" (at ")
    line = re.match(r"line (\d+)", place)
    return told, int(line[1]) if line else text.rstrip().count("\n") + 1


def _refuse_huge_numbers(document: Document) -> None:
    for path, value in walk(document.data):
        if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            raise document.error_at(TomlValueError(path, "exceeds the 64-bit range of TOML"))
