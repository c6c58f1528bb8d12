"""One table of a recipe file: its keys checked, its values read. Knows no key by name."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from forkresize.errors import FieldError
from forkresize.recipefile.schema import Keys, field_name, key_name, section_for
from forkresize.recipefile.value_types import ValueType
from forkresize.tomlfile import Path, TomlValueError

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

    def fault(self, field: str, message: str) -> TomlValueError:
        """Return what is wrong with a field; one that the file does not name is the whole table's."""
        key = self.spelled.get(field)
        return TomlValueError(self.path if key is None else (*self.path, key), message)

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
                raise TomlValueError(self.path, f"lacks {key_name(field.name)}")
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
            raise TomlValueError((*path, key), unknown_key_error(field, keys))
        if field in values:
            raise TomlValueError((*path, key), f"is said already, as {spelled[field]}")
        values[field] = parse_value(keys[field], value, (*path, key))
        spelled[field] = key
    return Table(path, values, spelled)


def parse_value(kind: ValueType, value: Any, path: Path) -> Any:
    """Return what a value stands for.

    Raises:
        Fault: it is not of its kind.
    """
    try:
        return kind.take(value)
    except FieldError as error:
        raise TomlValueError(path, error.message) from None
    except ValueError as error:
        raise TomlValueError(path, str(error)) from None


def unknown_key_error(field: str, known: Iterable[str]) -> str:
    """Return what is wrong with a key that is none of those known, and what would do."""
    home = section_for(field)
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
            raise TomlValueError(path, f"is no table; put each under [[{field}]]")
        yield path, each
