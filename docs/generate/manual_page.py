"""The manual page, from declarations in the package.

docutils writes it: it escapes roff syntax and supports sections, unlike click-man.
"""

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import rich_click as click
from docutils.core import publish_string

from docs.generate.tables import exit_codes
from forkresize import __version__
from forkresize.cli.command import EXAMPLES, forkresize
from forkresize.cli.options.catalog import PANELS
from forkresize.cli.options.model import Option

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
        return publish(_page(ctx))


def publish(lines: Iterable[str]) -> str:
    """Return a manual page, in the macros of man(7), from the lines of its source for docutils."""
    source = "\n".join(lines)
    # Not every roff knows the encoding of its input.
    source = source.replace("…", "...")
    settings = {"input_encoding": "unicode", "output_encoding": "unicode", "report_level": 1, "halt_level": 2}
    return str(publish_string(source, writer="manpage", settings_overrides=settings))


def _page(ctx: click.Context) -> Iterator[str]:
    title = "forkresize"
    yield from (title, "=" * len(title), "", "make smaller versions of pictures, on all cores", "-" * 50, "")
    yield from (":Manual section: 1", f":Version: forkresize {__version__}", "")
    yield from section("Synopsis", f"**forkresize** {escape(' '.join(forkresize.collect_usage_pieces(ctx)))}")
    yield from section("Description", escape(inspect.cleandoc(forkresize.help or "")))
    yield from section("Options", "Each is also a setting; see Environment and Files.")
    for panel, options in PANELS.items():
        yield from section(panel, "\n\n".join(map(_entry, options)), underline=".")
    yield from section("About", "\n\n".join(_others(ctx)), underline=".")
    yield from section("Environment", ENVIRONMENT)
    yield from section("Files", FILES)
    yield from section("Exit status", "\n\n".join(_exit_codes()))
    yield from section("Examples", "\n\n".join(f"::\n\n    {line}" for line in EXAMPLES.splitlines()[2:] if line))


def section(title: str, body: str, underline: str = "~") -> tuple[str, ...]:
    """Return the lines of a section."""
    return (title, underline * len(title), "", body, "")


def _entry(option: Option) -> str:
    metavar, text = describe_value(option), str(option.attributes["help"])
    default = None if "[default" in text else option.default
    if default and default != "false":
        text = f"{text} Default: {default}."
    return f"{join_names(option.flags)}{metavar and f' *{escape(metavar)}*'}\n    {escape(text)}"


def join_names(flags: Iterable[str]) -> str:
    """Return flags as an entry shows them."""
    return ", ".join(f"**{flag}**" for flag in flags)


def describe_value(option: Option) -> str:
    """Return the notation of an option's value; an empty text if it takes none."""
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
            yield f"{join_names(sorted(param.opts, key=len))}\n    {escape(param.help or '')}"


def _exit_codes() -> Iterator[str]:
    for code, text in exit_codes():
        yield f"{code}\n    {escape(text.replace('``', ''))}"


def escape(text: str) -> str:
    r"""Return text without syntax for docutils, which takes \\ and a character for the character."""
    return "".join(f"\\{character}" if character in "\\`*|_:<>[]{}.+-" else character for character in text)
