"""How the values of a recipe are declared: each field carries its constraints, its notation and the help of its option.

Constructors, recipe files, the command line and the documentation all read these declarations.
"""

import re
from collections.abc import Callable
from datetime import date, time
from enum import Enum
from typing import Annotated, Any, ClassVar, get_args, get_origin

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import force_setattr

from forkresize.errors import FieldError
from forkresize.words import one_of

_MAX_SHOWN = 80


class Notation(Struct, frozen=True):
    """How people write a value that is not simply a number, a word or a text.

    Attributes:
        expected: what is accepted, to follow "use".
        parse: converts a text, or a value of a TOML file, to the field's value; raises ValueError.
        types: the types that a TOML file may use.
        write: converts the field's value to a value of a TOML file.
        choices: the accepted words, if they can be listed.
    """

    expected: str
    parse: Callable[[Any], Any]
    types: tuple[type, ...] = (str,)
    write: Callable[[Any], Any] = lambda value: value
    choices: tuple[str, ...] = ()


class Declaration(Struct, frozen=True):
    """What the command line and the documentation need to know of an option.

    Attributes:
        help: one or two sentences.
        metavar: what stands for the value.
        short: a flag of one letter.
        off: the flag that switches a boolean off.
        default: the default for people, where it is not the field's own.
        several: whether a list of values makes several renditions.
        starts: whether the option alone asks for its step.
        is_path: whether the value is the path of an existing file.
        group: the heading of the option, where it is not that of its class.
    """

    help: str
    metavar: str = ""
    short: str = ""
    off: str = ""
    default: str = ""
    several: bool = False
    starts: bool = False
    is_path: bool = False
    group: str = ""


class Shorthand(Declaration, frozen=True):
    """How a step or a size is written as one value: an option, and a key of a recipe file.

    Attributes:
        field: the field that the value is for.
        notation: how the whole is written as a text, by ``notation``.
        bare: the value that stands for all defaults.
    """

    field: str = ""
    notation: Meta | None = None
    bare: bool | str | None = None


def option(*values: Any, **details: Any) -> Meta:
    """Declare that a field is an option; see Declaration for the arguments."""
    return Meta(extra={"option": Declaration(*values, **details)})


def notation(*values: Any, **details: Any) -> Meta:
    """Declare how a value is written; see Notation for the arguments."""
    return Meta(extra={"notation": Notation(*values, **details)})


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value whose fields are checked against their declarations when it is constructed.

    Raises:
        FieldError: a value violates its declaration; names the option, or else the field.
    """

    shorthand: ClassVar[Shorthand | None] = None
    """How the whole is written as one value."""
    prefix: ClassVar[str] = ""
    """What the names of the options of its fields begin with."""
    group: ClassVar[str] = "Output"
    """The heading of its options."""

    def __post_init__(self) -> None:
        names, defaults = self.__struct_fields__, self.__struct_defaults__
        required = len(names) - len(defaults)
        for place, name in enumerate(names):
            value = getattr(self, name)
            if place >= required and value is defaults[place - required]:
                continue
            try:
                checked = check(type(self).__annotations__[name], value)
            except ValueError as error:
                raise FieldError(option_name(type(self), name), str(error)) from None
            if checked is not value:
                force_setattr(self, name, checked)


def shorthand_kind(owner: type[Declared]) -> Any:
    """Return the type of the one value that stands for a whole step or size; None if there is no shorthand."""
    short = owner.shorthand
    if short is None:
        return None
    if short.field:
        return owner.__annotations__[short.field]
    return Annotated[owner | None, short.notation] if short.notation else bool


def option_name(kind: type[Declared], field: str) -> str:
    """Return the name of the option that sets a field, or the field's own if no option does."""
    tag = kind.__struct_config__.tag
    short = kind.shorthand if isinstance(tag, str) else None
    own = find_meta(kind.__annotations__[field], "option")
    if short is not None and own is None and (short.field == field or short.notation):
        return str(tag)
    return f"{kind.prefix}{field}" if own else field


def find_meta(kind: Any, key: str) -> Any:
    """Return what the declaration of a type holds under a key; None if it holds nothing."""
    for meta in getattr(kind, "__metadata__", ()):
        if meta.extra and (found := meta.extra.get(key)) is not None:
            return found
    return None


def base_type(kind: Any) -> Any:
    """Return a type without its declarations and without None."""
    return _unwrap(kind)[0]


def _unwrap(kind: Any) -> tuple[Any, list[Meta]]:
    """Return a type without its declarations and without None, and the declarations."""
    metas: list[Meta] = []
    while not isinstance(kind, type):
        if get_origin(kind) is Annotated:
            metas += kind.__metadata__
            kind = kind.__origin__
        elif type(None) in (args := get_args(kind)):
            kind = next(each for each in args if each is not type(None))
        else:
            break
    return kind, metas


def check(kind: Any, value: Any) -> Any:
    """Return a value as its type has it: words as members of their enumeration, lists as tuples.

    Raises:
        ValueError: the value violates the declaration of the type.
    """
    try:
        converted = convert(value, kind)
    except ValidationError:
        raise ValueError(f"invalid value {format_value(value)}: use {_describe_accepted(kind, value)}") from None
    # A NUL fits neither a file name nor a text of TOML, and C libraries end a text there.
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"invalid value {format_value(value)}: remove the NUL character")
    # Numbers stay as they are: a float of a whole number would be written differently.
    if isinstance(value, list | tuple):
        return value if value == converted else tuple(value) if tuple(value) == converted else converted
    return value if isinstance(value, int | float) else converted


def parse_text(kind: Any, text: str) -> Any:
    """Return the value of a type that a text stands for.

    Raises:
        ValueError: the text stands for no value of the type.
    """
    notation = find_meta(kind, "notation")
    parse = {bool: _bool, int: _int, float: parse_number}.get(base_type(kind))
    if notation is None and parse is None:
        return check(kind, text)
    value = notation.parse(text) if notation else None
    try:
        return check(kind, value if notation or parse is None else parse(text))
    except ValueError:
        raise ValueError(f"invalid value {format_value(text)}: use {_describe_accepted(kind, text)}") from None


def parse_value(kind: Any, value: Any) -> Any:
    """Return the value of a type that a value of a TOML file stands for.

    Raises:
        ValueError: it stands for no value of the type.
    """
    notation = find_meta(kind, "notation")
    if notation is None:
        return check(kind, value)
    if type(value) not in notation.types:
        raise ValueError(f"invalid value {format_value(value)}: use {notation.expected}")
    return check(kind, notation.parse(value))


def _bool(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _int(text: str) -> int:
    if not re.fullmatch(r"\d{1,30}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def parse_number(text: str) -> float:
    """Return a number in decimal notation.

    Raises:
        ValueError: the text is not a number.
    """
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", text, re.ASCII):
        raise ValueError(f"invalid number {format_value(text)}: use digits, for example 2 or 0.5")
    return float(text)


def format_value(value: object) -> str:
    """Return a value as an error message shows it."""
    if isinstance(value, date | time | bool):
        return str(value).lower()
    text = repr(str(value) if isinstance(value, Enum) else value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _describe_accepted(kind: Any, value: object) -> str:
    """Return what a type accepts, to follow "use", and the words that an invalid value may mean."""
    notation, base = find_meta(kind, "notation"), base_type(kind)
    words = notation.choices if notation else base if isinstance(base, type) and issubclass(base, Enum) else ()
    return one_of(value, words) if words else describe_type(kind)


def describe_type(kind: Any) -> str:
    """Return what a type accepts, to follow "use"."""
    notation = find_meta(kind, "notation")
    if notation is not None:
        return str(notation.expected)
    base, metas = _unwrap(kind)
    if isinstance(base, type) and issubclass(base, Enum):
        return f"one of {', '.join(base)}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    name = names.get(base) or f"a {getattr(base, '__name__', base)}".lower()
    bounds = next((meta for meta in metas if meta.ge is not None), None)
    if bounds is None:
        return name
    return f"{name} of at least {bounds.ge}" if bounds.le is None else f"{name} from {bounds.ge} to {bounds.le}"
