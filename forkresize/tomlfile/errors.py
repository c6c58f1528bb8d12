"""Errors in TOML files: what is wrong, and where."""

import json
import re

from forkresize.errors import UsageError

Path = tuple[str | int, ...]
"""The path from the top of a file to a value: keys as the file spells them, and indices of arrays."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class TomlFileError(UsageError):
    """A TOML file cannot be read, or holds an invalid value.

    Attributes:
        name: the name of the file.
        line: the line, from 1; None if the error has none.
        key: the path of the key, such as ``steps[2].watermark.gravity``; empty if the error has none.
        message: what is wrong, and what is accepted.
    """

    def __init__(self, name: str, message: str, *, line: int | None = None, key: str = "") -> None:
        place = name if line is None else f"{name}:{line}"
        super().__init__(": ".join(part for part in (place, key, message) if part))
        self.name = name
        self.line = line
        self.key = key
        self.message = message


class TomlValueError(Exception):
    """The value at a path is invalid.

    Attributes:
        path: where it is.
        message: what is wrong, and what is accepted.
    """

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message


def format_key(path: Path) -> str:
    """Return a path as text, such as ``steps[2].watermark.gravity``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_quote(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def _quote(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
