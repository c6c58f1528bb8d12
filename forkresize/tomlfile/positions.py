"""The line of each value in a TOML file, which tomllib does not report.

A statement (a header, or a key with its value) ends at the first line break where the text so far is valid TOML: before
that, a string or an array is still open. So tomllib itself finds the ends, regardless of brackets and quotes.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from forkresize.tomlfile.errors import Path

DEPTH = 8
"""Paths are followed to this depth; no valid key is deeper."""


def nearest(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of the value at a path, or of its nearest parent that has one."""
    ends = range(len(path), 0, -1)
    return next((lines[path[:end]] for end in ends if path[:end] in lines), 1)


def walk(value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield a parsed value and everything in it, each with its path, parents first."""
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if len(path) < DEPTH:
            pending.extend(((*path, key), inner) for key, inner in _items(value))


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
            table = _enter_table(statement, counts)
            for end in range(1, min(len(table), DEPTH) + 1):
                lines.setdefault(table[:end], first)
        else:
            for path, line in _value_lines(statement, first):
                lines.setdefault(table + path, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the number of its first line."""
    first, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        if _parse(statement) is not None:
            yield first, statement
            first, statement = number + 1, ""


def _parse(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _enter_table(header: str, counts: dict[Path, int]) -> Path:
    """Return the path of the table that a header opens, and count arrays of tables."""
    keys, inner = _descend(_parse(header))
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


def _value_lines(statement: str, first: int) -> Iterator[tuple[Path, int]]:
    """Yield the path of each value of a statement and its line, in an array that of the element."""
    parsed = _parse(statement)
    array = tuple(_descend(parsed)[0])
    elements = _element_lines(statement)
    for path, _ in walk(parsed):
        place = path[len(array)] if len(path) > len(array) else None
        offset = elements[place] if isinstance(place, int) else 0
        yield path, first + offset


def _element_lines(statement: str) -> list[int]:
    """Return the line, from 0 in its statement, on which each element of an array begins; empty for other values.

    An array that is closed early is valid TOML only where an element has just ended.
    """
    begins: list[int] = []
    begin, start = 0, ""
    for number, line in enumerate(statement.split("\n")[:-1]):
        start += line + "\n"
        inner = _descend(_parse(start + "]"))[1]
        if isinstance(inner, list):
            begins += [begin] * (len(inner) - len(begins))
            begin = number + 1
    whole = _descend(_parse(statement))[1]
    return begins + [begin] * (len(whole) - len(begins)) if isinstance(whole, list) else []
