"""On which line of a TOML file each value stands, which tomllib does not tell. Judges no value.

A statement of TOML, a header or a key with its value, ends at the first line break where what was read of it is TOML by
itself: before that, a string or an array is still open. So tomllib itself says where each one ends, whatever brackets
and quotes are in it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from forkresize.tomlfile.errors import Path

DEPTH = 8
"""Paths are followed this far down; no key that means anything lies deeper."""


def line_of(text: str, path: Path) -> int:
    """Return the line, from 1, of what is at a path in a TOML text, or else of the nearest above it that is there."""
    return nearest(lines_of(text), path)


def nearest(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of what is at a path, or else of the nearest above it that has one."""
    ends = range(len(path), 0, -1)
    return next((lines[path[:end]] for end in ends if path[:end] in lines), 1)


def walk(value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield a parsed value and all in it, each with the path to it, parents first."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if len(path) < DEPTH:
            waiting.extend(((*path, key), inner) for key, inner in _items(value))


def _items(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def lines_of(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table and value in a TOML text, by its path."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for first, statement in _statements(text):
        if statement.lstrip().startswith("["):
            table = _entered(statement, counts)
            for end in range(1, min(len(table), DEPTH) + 1):
                lines.setdefault(table[:end], first)
        else:
            for path, line in _placed(statement, first):
                lines.setdefault(table + path, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the number of its first line."""
    first, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        if _parsed(statement) is not None:
            yield first, statement
            first, statement = number + 1, ""


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _entered(header: str, counts: dict[Path, int]) -> Path:
    """Return the path of the table that a header opens, and count those of one name."""
    keys, inner = _descend(_parsed(header))
    path: Path = ()
    for left, key in zip(range(len(keys) - 1, -1, -1), keys, strict=True):
        path += (key,)
        if isinstance(inner, list) and not left:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += (counts[path],)
    return path


def _descend(value: Any) -> tuple[list[str], Any]:
    keys = []
    while isinstance(value, dict) and len(value) == 1:
        [(key, value)] = value.items()
        keys.append(key)
    return keys, value


def _placed(statement: str, first: int) -> Iterator[tuple[Path, int]]:
    """Yield the path of each value that a key is given, with its line: that of the element, in an array over lines."""
    parsed = _parsed(statement)
    array = tuple(_descend(parsed)[0])
    elements = _element_lines(statement)
    for path, _ in walk(parsed):
        place = path[len(array)] if len(path) > len(array) else None
        offset = elements[place] if isinstance(place, int) else 0
        yield path, first + offset


def _element_lines(statement: str) -> list[int]:
    """Return the line, from 0 in its statement, on which each element of an array begins; none for other values.

    An array that is closed early is TOML wherever an element has just ended, and nowhere else.
    """
    begins: list[int] = []
    begin, start = 0, ""
    for number, line in enumerate(statement.split("\n")[:-1]):
        start += line + "\n"
        inner = _descend(_parsed(start + "]"))[1]
        if isinstance(inner, list):
            begins += [begin] * (len(inner) - len(begins))
            begin = number + 1
    whole = _descend(_parsed(statement))[1]
    return begins + [begin] * (len(whole) - len(begins)) if isinstance(whole, list) else []
