"""The commands of ``forkresized``, and how they report errors."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import click
from msgspec import Struct

from forkresize._version import __version__
from forkresize.errors import ConflictError, FieldError, ForkresizeError, UsageError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.extras import install_command


class _Entry(Struct, frozen=True):
    """A command, which is imported when it is used.

    Attributes:
        help: what it does, in a line.
        extra: what has to be installed for it.
        modules: what that installs.
    """

    help: str
    extra: str
    modules: tuple[str, ...]


_CLUSTER = ("celery", "psycopg", "redis", "obstore", "boto3")

_COMMANDS = {
    "gateway": _Entry(
        "Serve pictures by HTTP until it is asked to stop.",
        "gateway",
        ("starlette", "uvicorn", "httptools", "python_multipart", "limits", "jwt"),
    ),
    "key": _Entry("Create API keys for a gateway.", "gateway", ()),
    "health": _Entry("Ask a gateway or a node whether it is ready.", "", ()),
    "migrate": _Entry("Create the tables of a database, or bring them to this version.", "cluster", _CLUSTER),
    "node": _Entry("Take work from a cluster until it is asked to stop.", "cluster", _CLUSTER),
    "status": _Entry("Show the nodes, queues, runs and chunks of a cluster.", "cluster", _CLUSTER),
}


class _Commands(click.Group):
    """Commands that are imported when they are used: each needs libraries of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  Click asks with it.
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if missing := [name for name in entry.modules if find_spec(name) is None]:
            needs = f"{cmd_name} needs {', '.join(missing)}: {install_command(entry.extra)}"
            return _Missing(cmd_name, needs, entry.help)
        found: click.Command = getattr(import_module(f"forkresize.daemon.{cmd_name}"), cmd_name)
        return found


class _Missing(click.Command):
    """A command whose libraries are not installed: its help says so, and any use is an error."""

    def __init__(self, name: str, needs: str, summary: str) -> None:
        super().__init__(name, short_help=summary, help=f"{summary}\n\n{needs}", callback=self._refuse)
        self._needs = needs
        self.context_settings = {"allow_extra_args": True, "ignore_unknown_options": True}

    def _refuse(self) -> None:
        raise UsageError(self._needs)


@click.group(
    "forkresized",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FORKRESIZED"},
    epilog="Documentation: docs/howto/gateway.md and docs/howto/cluster.md",
)
@click.version_option(__version__, prog_name="forkresized")
def commands() -> None:
    """Serve pictures by HTTP, and make them on many machines: the programs that run long."""


def call(arguments: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    try:
        code = commands.main(list(arguments), prog_name="forkresized", standalone_mode=False)
    except click.ClickException as error:
        _print_error(error.format_message())
        return ExitCode.USAGE
    except click.Abort:
        return ExitCode.INTERRUPTED
    except ForkresizeError as error:
        _print_error(_describe(error))
        return exit_code_for_error(error)
    except OSError as error:
        _print_error(str(error))
        return exit_code_for_error(error)
    return code if isinstance(code, int) else ExitCode.OK


def _describe(error: ForkresizeError) -> str:
    """Return what is wrong, with options in place of fields."""
    if isinstance(error, ConflictError):
        return f"{_option(error.field)} cannot be combined with {_option(error.other)}"
    return f"{_option(error.field)}: {error.message}" if isinstance(error, FieldError) else str(error)


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _print_error(text: str) -> None:
    sys.stderr.write(f"forkresized: {text}\n")
