"""What the records of runs need of a database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Values = Mapping[str, Any]
"""The parameters of a statement, by name."""


class Cursor(Protocol):
    """A transaction."""

    def rows(self, statement: str, values: Values) -> list[dict[str, Any]]:
        """Execute a statement; return its rows by the names of their columns."""

    def change(self, statement: str, values: Values) -> int:
        """Execute a statement; return how many rows it changed."""


class Engine(Protocol):
    """A database, which one thread uses. All methods raise LedgerError if it cannot be used."""

    def run(self, work: Callable[[Cursor], T]) -> T:
        """Return what a function returns that is given a transaction. It may be called again if that was lost."""

    def migrate(self, scripts: Sequence[str]) -> None:
        """Create the tables, or bring them to this version."""

    def close(self) -> None:
        """Close the connection."""
