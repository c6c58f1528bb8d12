"""The commands of ``forkresized``, and how they report errors."""

import sys
from collections.abc import Sequence

import click

from forkresize._version import __version__
from forkresize.daemon.node import node
from forkresize.daemon.status import status
from forkresize.errors import FieldError, ForkresizeError
from forkresize.exit_policy import ExitCode, exit_code_for_error


@click.group(
    "forkresized",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FORKRESIZED"},
    epilog="Documentation: docs/howto/cluster.md",
)
@click.version_option(__version__, prog_name="forkresized")
def commands() -> None:
    """Make pictures on many machines: the programs of a cluster that run long."""


commands.add_command(node)
commands.add_command(status)


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
        _print_error(
            f"--{error.field.replace('_', '-')}: {error.message}" if isinstance(error, FieldError) else str(error)
        )
        return exit_code_for_error(error)
    except OSError as error:
        _print_error(str(error))
        return exit_code_for_error(error)
    return code if isinstance(code, int) else ExitCode.OK


def _print_error(text: str) -> None:
    sys.stderr.write(f"forkresized: {text}\n")
