"""What ``forkresized`` makes of the command lines in deploy/."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from forkresize.daemon.command import commands


def parse_daemon(arguments: Sequence[str], environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the options of a command line of ``forkresized``, without running it.

    Args:
        arguments: those behind the name of the program.
        environment: its variables.

    Raises:
        UsageError: there is no such command or option, a value is invalid, or an option is missing.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        outer = commands.make_context("forkresized", list(arguments))
        with outer:
            _, command, rest = commands.resolve_command(outer, [*outer._protected_args, *outer.args])  # noqa: SLF001 -- as Click does.
            assert command is not None
            with command.make_context(command.name, rest, parent=outer) as context:
                return dict(context.params)
