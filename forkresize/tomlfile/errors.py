"""What is wrong with a TOML file, and where. Finds nothing wrong itself."""

import json
import re

from forkresize.errors import UsageError

Path = tuple[str | int, ...]
"""The way from the top of a file to a value: keys as the file spells them, and places in arrays, from 0."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class TomlFileError(UsageError):
    """A TOML file can't be read, or asks for what can't be met.

    Attributes:
        name: the file's name.
        line: the line, from 1; None where no line is to blame.
        key: the way to the key, such as ``steps[2].watermark.gravity``; empty where no key is to blame.
        message: what is wrong, and what would do.
    """

    def __init__(self, name: str, message: str, *, line: int | None = None, key: str = "") -> None:
        place = name if line is None else f"{name}:{line}"
        super().__init__(": ".join(part for part in (place, key, message) if part))
        self.name = name
        self.line = line
        self.key = key
        self.message = message


class TomlValueError(Exception):
    """Something wrong with the value at a path.

    Attributes:
        path: the way to it.
        message: what is wrong, and what would do.
    """

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message


def format_key(path: Path) -> str:
    """Return a path as people write it, such as ``steps[2].watermark.gravity``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def _quoted(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
