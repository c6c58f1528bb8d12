"""Write the manual page, and the tables in settings.md, recipes.md and sandbox.md, from declarations in the package.

docutils writes the page: it escapes roff syntax and supports sections, unlike click-man.

    docs/generate/manual.py [MANUAL_PAGE [SETTINGS [RECIPES [SANDBOX]]]]
"""

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import rich_click as click
from docutils.core import publish_string
from msgspec.structs import fields

from forkresize import __version__
from forkresize.cli.command import EXAMPLES, forkresize
from forkresize.cli.options.catalog import PANELS
from forkresize.cli.options.model import Option
from forkresize.exit_policy import ExitCode
from forkresize.pool.sandbox import paths as sandbox_paths
from forkresize.pool.sandbox import syscalls
from forkresize.recipe import OPTIONS, STEPS, Recipe, Rendition, Size
from forkresize.recipe.declaration import Declared, describe_type, find_meta, shorthand_kind

DOCS = Path(__file__).parent.parent

PAGES = ("reference/forkresize.1", "reference/settings.md", "reference/recipes.md", "explanation/sandbox.md")

Row = Sequence[str]

MAX_METAVAR = 60
"""Characters of the longest list of words that is shown next to its option; the text explains the words."""

ENVIRONMENT = """
Every option is also read from the variable that is named after it, such as *FORKRESIZE_MAX_DEPTH* for **--max-depth**.
An empty variable counts as not set. Options without a value take *1* and *0*. Options that may be repeated take values
separated by spaces, or by colons if they are paths.
"""

FILES = """
*forkresize.toml* in the working directory
    Settings, by the long names of options.

*$XDG_CONFIG_HOME/forkresize/config.toml*, or *~/.config/forkresize/config.toml*
    The user's own settings.

A flag overrides the environment, which overrides a preset, the file in the working directory, and the user's file.
"""


def manual_page() -> str:
    """Return the manual page, in the macros of man(7)."""
    with forkresize.make_context("forkresize", [], resilient_parsing=True) as ctx:
        source = "\n".join(_page(ctx))
    # Not every roff knows the encoding of its input.
    source = source.replace("…", "...")
    settings = {"input_encoding": "unicode", "output_encoding": "unicode", "report_level": 1, "halt_level": 2}
    return str(publish_string(source, writer="manpage", settings_overrides=settings))


def options_table() -> str:
    """Return the table of all options, in Markdown."""
    rows = []
    for option in (option for options in PANELS.values() for option in options):
        flags = ", ".join(f"`{flag}`" for flag in option.flags)
        variable = f"`{option.variable}`" if option.variable else ""
        rows.append((flags, variable, f"`{option.key}`" if option.in_files else "", option.default or ""))
    return _table(("option", "environment", "key", "default"), rows)


def _table(head: Row, rows: Iterable[Row]) -> str:
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
    return {name: _table(("key", "value", "default", "meaning"), rows) for name, rows in tables.items()}


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
    return _table(("purpose", "call", "x86_64", "aarch64", "what for"), rows)


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


def _page(ctx: click.Context) -> Iterator[str]:
    title = "forkresize"
    yield from (title, "=" * len(title), "", "make smaller versions of pictures, on all cores", "-" * 50, "")
    yield from (":Manual section: 1", f":Version: forkresize {__version__}", "")
    yield from _section("Synopsis", f"**forkresize** {_escaped(' '.join(forkresize.collect_usage_pieces(ctx)))}")
    yield from _section("Description", _escaped(inspect.cleandoc(forkresize.help or "")))
    yield from _section("Options", "Each is also a setting; see Environment and Files.")
    for panel, options in PANELS.items():
        yield from _section(panel, "\n\n".join(map(_entry, options)), underline=".")
    yield from _section("About", "\n\n".join(_others(ctx)), underline=".")
    yield from _section("Environment", ENVIRONMENT)
    yield from _section("Files", FILES)
    yield from _section("Exit status", "\n\n".join(_exit_codes()))
    yield from _section("Examples", "\n\n".join(f"::\n\n    {line}" for line in EXAMPLES.splitlines()[2:] if line))


def _section(title: str, body: str, underline: str = "~") -> tuple[str, ...]:
    return (title, underline * len(title), "", body, "")


def _entry(option: Option) -> str:
    metavar, text = _metavar(option), str(option.attributes["help"])
    default = None if "[default" in text else option.default
    if default and default != "false":
        text = f"{text} Default: {default}."
    return f"{_names(option.flags)}{metavar and f' *{_escaped(metavar)}*'}\n    {_escaped(text)}"


def _names(flags: Iterable[str]) -> str:
    return ", ".join(f"**{flag}**" for flag in flags)


def _metavar(option: Option) -> str:
    if option.takes_no_value:
        return ""
    kind: Any = option.attributes.get("type")
    words = "|".join(kind.choices) if isinstance(kind, click.Choice) else getattr(kind, "name", "").upper()
    return str(option.attributes.get("metavar") or (words if len(words) <= MAX_METAVAR else "WORD"))


def _others(ctx: click.Context) -> Iterator[str]:
    """Yield the entries of the options that every command has."""
    fields = {option.field for options in PANELS.values() for option in options}
    for param in ctx.command.get_params(ctx):
        if isinstance(param, click.Option) and param.name not in fields:
            yield f"{_names(sorted(param.opts, key=len))}\n    {_escaped(param.help or '')}"


def _exit_codes() -> Iterator[str]:
    source = inspect.getsource(ExitCode)
    for code, text in re.findall(r'= (\d+)\n\s+"""(.*?)"""', source, re.DOTALL):
        yield f"{code}\n    {_escaped(text.replace('``', ''))}"


def _escaped(text: str) -> str:
    r"""Return text without syntax for docutils, which takes \\ and a character for the character."""
    return "".join(f"\\{character}" if character in "\\`*|_:<>[]{}.+-" else character for character in text)


def _write(page: Path, settings: Path, recipes: Path, sandbox: Path) -> None:
    page.write_text(manual_page(), encoding="utf-8")
    generated = {
        settings: {"options": options_table()},
        recipes: recipe_tables(),
        sandbox: {"system calls": system_calls_table()},
    }
    for path, tables in generated.items():
        text = path.read_text(encoding="utf-8")
        for name, table in tables.items():
            begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    names = [Path(name) for name in sys.argv[1:]]
    defaults = [DOCS / name for name in PAGES]
    _write(*names, *defaults[len(names) :])
