"""Tables in Markdown, from declarations in the package."""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import fields

from forkresize.cli.options.catalog import PANELS
from forkresize.exit_policy import ExitCode
from forkresize.pool.sandbox import paths as sandbox_paths
from forkresize.pool.sandbox import syscalls
from forkresize.recipe import OPTIONS, STEPS, Recipe, Rendition, Size
from forkresize.recipe.declaration import Declared, describe_type, find_meta, shorthand_kind

Row = Sequence[str]


def options_table() -> str:
    """Return the table of all options, in Markdown."""
    rows = []
    for option in (option for options in PANELS.values() for option in options):
        flags = ", ".join(f"`{flag}`" for flag in option.flags)
        variable = f"`{option.variable}`" if option.variable else ""
        rows.append((flags, variable, f"`{option.key}`" if option.in_files else "", option.default or ""))
    return make_table(("option", "environment", "key", "default"), rows)


def make_table(head: Row, rows: Iterable[Row]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def recipe_tables() -> dict[str, str]:
    """Return the tables of the keys of a recipe file, in Markdown, by the names of their markers."""
    size = ("`size`", describe_type(shorthand_kind(Size)), "", Size.shorthand.help)
    tables = {
        "keys of the recipe": _key_rows(Recipe, "steps", "renditions"),
        "keys of the steps": [row for step in STEPS for row in _step_rows(step)],
        "keys of a rendition": [size, *_key_rows(Size), *_key_rows(Rendition, "size")],
    }
    return {name: make_table(("key", "value", "default", "meaning"), rows) for name, rows in tables.items()}


def system_calls_table() -> str:
    """Return the table of the system calls that workers may make, in Markdown."""
    groups = [
        *syscalls.GROUPS.items(),
        ("`create_memfds`", syscalls.MEMFDS),
        (f"`{sandbox_paths.VARIABLE}`", syscalls.TOOLS),
    ]
    calls = [(purpose, name, call) for purpose, group in groups for name, call in group.items()]
    rows = [
        (
            purpose,
            f"`{name}`",
            *("" if number is None else str(number) for number in (call.x86_64, call.aarch64)),
            call.reason,
        )
        for purpose, name, call in calls
    ]
    return make_table(("purpose", "call", "x86_64", "aarch64", "what for"), rows)


def _step_rows(step: type[Declared]) -> Iterator[Row]:
    name, short = str(step.__struct_config__.tag), step.shorthand
    meaning = short.help if short else (step.__doc__ or "").partition("\n")[0]
    yield f"`{name}`", describe_type(shorthand_kind(step)) if short else "a table", "", meaning
    for key, *others in _key_rows(step):
        yield f"`{name}.{key.strip('`')}`", *others


def _key_rows(owner: type[Declared], *omitted: str) -> Iterator[Row]:
    options = {option.field: option for option in OPTIONS.values() if option.owner is owner}
    for field in fields(owner):
        if field.name not in omitted:
            kind = owner.__annotations__[field.name]
            meaning = next((meta.description for meta in kind.__metadata__ if meta.description), None)
            meaning = meaning or options[field.name].help
            yield f"`{field.name.replace('_', '-')}`", describe_type(kind), _default(kind, field.default), meaning


def _default(kind: Any, default: Any) -> str:
    declaration, notation = find_meta(kind, "option"), find_meta(kind, "notation")
    if declaration and declaration.default:
        return str(declaration.default)
    if default == () and notation:
        return f"`{json.dumps(notation.write(default))}`"
    if default is None and notation and notation.choices:
        return f'`"{notation.write(None)}"`'
    if not isinstance(default, bool | int | float | str):
        return ""
    return f"`{json.dumps(notation.write(default) if notation else default)}`"


def exit_codes() -> Iterator[tuple[int, str]]:
    """Yield the exit codes with the text that describes each in ``ExitCode``."""
    for code, text in re.findall(r'= (\d+)\n\s+"""(.*?)"""', inspect.getsource(ExitCode), re.DOTALL):
        yield int(code), text
