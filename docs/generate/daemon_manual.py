"""The manual page of ``forkresized`` and its commands, from their declarations."""

import inspect
from collections.abc import Iterator

import click

from docs.generate.daemon_page import DEFAULT, default_of, list_contexts, variable_of
from docs.generate.manual_page import escape, join_names, publish, section
from forkresize import __version__
from forkresize.daemon.command import commands

_ENVIRONMENT = """
Every option is also read from the variable that is named below it. A variable of an option that may be repeated holds
values separated by spaces.
"""

_SIGNALS = """
SIGTERM and SIGINT end a gateway when it has answered the requests that have begun, and a node when it has finished or
returned its pictures.
"""

_EXIT_CODES = (
    (0, "It ended in order, or the answer to the question is yes."),
    (1, "**health** was answered with no, or not at all."),
    (2, "A usage or settings error; nothing was done."),
    (3, "An address, a file or a server cannot be used."),
    (70, "A bug in forkresize."),
    (130, "SIGINT before it served."),
)

_EXAMPLES = (
    "forkresized gateway --root photos=./photos --unsigned --port 8080",
    "forkresized gateway --root photos=s3://photos --key-file keys --api-keys api-keys",
    "forkresized key create --role submitter --name web",
    "forkresized node --cluster amqp://broker/ --ledger postgresql://db/forkresize --allow s3://photos --allow s3://web",
    "forkresized health http://127.0.0.1:8080/readyz",
)


def daemon_manual() -> str:
    """Return the manual page, in the macros of man(7)."""
    with commands.make_context("forkresized", [], resilient_parsing=True) as parent:
        return publish(_page(parent))


def _page(parent: click.Context) -> Iterator[str]:
    title = "forkresized"
    yield from (title, "=" * len(title), "", "serve pictures by HTTP, and make them on many machines", "-" * 60, "")
    yield from (":Manual section: 1", f":Version: forkresize {__version__}", "")
    contexts = list(list_contexts(parent, commands))
    yield from section("Synopsis", "\n\n".join(map(_describe_usage, contexts)))
    yield from section("Description", escape(inspect.cleandoc(commands.help or "")))
    yield from section("Commands", "")
    for ctx in contexts:
        yield from section(ctx.command_path.removeprefix("forkresized "), "\n\n".join(_entries(ctx)), underline=".")
    yield from section("Environment", _ENVIRONMENT)
    yield from section("Signals", _SIGNALS)
    yield from section("Exit status", "\n\n".join(f"{code}\n    {text}" for code, text in _EXIT_CODES))
    yield from section("Examples", "\n\n".join(f"::\n\n    {line}" for line in _EXAMPLES))
    yield from section("See also", "**forkresize**\\ (1)")


def _describe_usage(ctx: click.Context) -> str:
    return f"**{ctx.command_path}** {escape(' '.join(ctx.command.collect_usage_pieces(ctx)))}"


def _entries(ctx: click.Context) -> Iterator[str]:
    """Yield what a command does, and the entries of its options."""
    yield escape(inspect.cleandoc(ctx.command.help or ""))
    for param in ctx.command.params:
        if isinstance(param, click.Option):
            yield _entry(ctx, param)


def _entry(ctx: click.Context, param: click.Option) -> str:
    text = param.help or ""
    found = DEFAULT.search(text)
    default = found[1] if found else default_of(param).replace("`", "")
    value = "" if param.is_flag else f" *{escape(param.make_metavar(ctx))}*"
    notes = [f"Default: {default}."] if default and default != "required" else ["Required."] if default else []
    lines = [escape(" ".join([DEFAULT.sub("", text), *notes])), f"*{variable_of(ctx, param)}*"]
    return f"{join_names((*param.opts, *param.secondary_opts))}{value}\n" + "\n\n".join(f"    {line}" for line in lines)
