"""One table of a recipe file: its keys checked, its values read. Knows no key by name."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from forkresize.errors import FieldError
from forkresize.recipefile.kinds import Kind
from forkresize.recipefile.vocabulary import Keys, field_name, home_of, key_name
from forkresize.tomlfile import Fault, Path

Made = TypeVar("Made")


class Table(Struct, frozen=True):
    """A table of the file, its values read.

    Attributes:
        path: where it is.
        values: by field.
        spelled: the key of each field as the file spells it.
    """

    path: Path
    values: dict[str, Any]
    spelled: Mapping[str, str]

    def fault(self, field: str, message: str) -> Fault:
        """Return what is wrong with a field; one that the file does not name is the whole table's."""
        key = self.spelled.get(field)
        return Fault(self.path if key is None else (*self.path, key), message)

    def only(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the values of some of the fields."""
        return {name: self.values[name] for name in names if name in self.values}

    def made(self, kind: type[Made], values: Mapping[str, Any], prefix: str = "") -> Made:
        """Return what the values make.

        Raises:
            Fault: a value is missing, out of its range, or contradicts another.
        """
        for field in fields(kind):  # type: ignore[arg-type]
            if field.name not in values and field.required:
                raise Fault(self.path, f"lacks {key_name(field.name)}")
        try:
            return kind(**values)
        except FieldError as error:
            raise self.fault(error.field.removeprefix(prefix), error.message) from None


def read_table(data: dict[str, Any], path: Path, keys: Keys) -> Table:
    """Return a table with its values read.

    Raises:
        Fault: a key is none of the keys, or a value not of its kind.
    """
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in data.items():
        field = field_name(key)
        if field not in keys:
            raise Fault((*path, key), no_such_key(field, keys))
        if field in values:
            raise Fault((*path, key), f"is said already, as {spelled[field]}")
        values[field] = taken(keys[field], value, (*path, key))
        spelled[field] = key
    return Table(path, values, spelled)


def taken(kind: Kind, value: Any, path: Path) -> Any:
    """Return what a value stands for.

    Raises:
        Fault: it is not of its kind.
    """
    try:
        return kind.take(value)
    except FieldError as error:
        raise Fault(path, error.message) from None
    except ValueError as error:
        raise Fault(path, str(error)) from None


def no_such_key(field: str, known: Iterable[str]) -> str:
    """Return what is wrong with a key that is none of those known, and what would do."""
    home = home_of(field)
    if home is not None:
        return f"no such key here; its place is {home}"
    close = get_close_matches(field, known, n=1)
    if close:
        return f"no such key; did you mean {key_name(close[0])}?"
    names = ", ".join(key_name(name) for name in known) or "none"
    return f"no such key here; known: {names}"


def tables_in(table: Table, field: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the tables that an array of them holds, each with its path.

    Raises:
        Fault: it holds something else.
    """
    for number, each in enumerate(table.values[field]):
        path = (*table.path, table.spelled[field], number)
        if not isinstance(each, dict):
            raise Fault(path, f"is no table; put each under [[{field}]]")
        yield path, each
