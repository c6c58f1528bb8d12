"""Rows of a cursor as values."""

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct, convert

from forkresize.ledger.postgres.database import Cursor

T = TypeVar("T", bound=Struct)

Values = Mapping[str, object]
"""The parameters of a statement, by name."""


def fetch(cursor: Cursor, statement: str, values: Values) -> list[dict[str, Any]]:
    """Execute a statement; return its rows by the names of their columns."""
    cursor.execute(statement, values)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def fetch_as(cursor: Cursor, statement: str, values: Values, kind: type[T]) -> list[T]:
    """Execute a statement; return its rows as values of a type with fields of these names."""
    return [convert(row, kind) for row in fetch(cursor, statement, values)]
