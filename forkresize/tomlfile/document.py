"""The text and the values of a TOML file, or an error with its line."""

import re
import tomllib
from functools import cached_property
from typing import Any

from msgspec import Struct

from forkresize.errors import describe
from forkresize.tomlfile.errors import Path, TomlFileError, TomlValueError, format_key
from forkresize.tomlfile.positions import lines_of, nearest, walk

_LARGEST = 2**63
"""Integers in TOML have 64 bits."""

_ADVICE = {"Invalid value": "Invalid value: put texts in quotes, and close arrays by ]"}
"""What tomllib says of the usual mistakes, with what to do."""


class Document(Struct, frozen=True, dict=True):
    """A parsed TOML file.

    Attributes:
        name: its name in errors.
        text: its text.
        data: its values.
        error: the class of its errors.
    """

    name: str
    text: str
    data: dict[str, Any]
    error: type[TomlFileError] = TomlFileError

    def line_of(self, path: Path) -> int:
        """Return the line, from 1, of the value at a path, or of its nearest parent in the file."""
        return nearest(self._lines, path)

    def error_at(self, error: TomlValueError) -> TomlFileError:
        """Return the error of a value as an error of the file, with line and key."""
        return self.error(self.name, error.message, line=self.line_of(error.path), key=format_key(error.path))

    @cached_property
    def _lines(self) -> dict[Path, int]:
        return lines_of(self.text)


def read(name: str, error: type[TomlFileError] = TomlFileError) -> Document:
    """Read and parse a TOML file.

    Args:
        name: its path.
        error: the class of errors.

    Raises:
        TomlFileError: the file cannot be read or parsed; of the given class.
    """
    try:
        with open(name, "rb") as file:
            content = file.read()
    except OSError as failure:
        raise error(name, describe(failure)) from failure
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise error(name, "not encoded in UTF-8", line=line) from None
    return parse(text, name, error)


def parse(text: str, name: str, error: type[TomlFileError] = TomlFileError) -> Document:
    """Parse a TOML text.

    Args:
        text: the TOML.
        name: its name in errors.
        error: the class of errors.

    Raises:
        TomlFileError: the text is malformed; of the given class.
    """
    try:
        document = Document(name, text, tomllib.loads(text), error)
    except tomllib.TOMLDecodeError as failure:
        message, line = _split_position(str(failure), text)
        raise error(name, f"invalid TOML: {message}", line=line) from None
    except ValueError:
        raise error(name, "a number has thousands of digits") from None
    except RecursionError:
        raise error(name, "arrays or tables are nested hundreds deep") from None
    _check_numbers(document)
    return document


def _split_position(message: str, text: str) -> tuple[str, int]:
    """Split a message of tomllib into the error and its line."""
    error, _, place = message.rpartition(" (at ")
    line = re.match(r"line (\d+)", place)
    return _ADVICE.get(error, error), int(line[1]) if line else text.rstrip().count("\n") + 1


def _check_numbers(document: Document) -> None:
    for path, value in walk(document.data):
        if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            raise document.error_at(TomlValueError(path, "exceeds the 64-bit range of TOML"))
