"""The command ``forkresized``: what runs long, on the machines of a cluster."""

import os
import sys
from importlib.util import find_spec
from typing import NoReturn

from forkresize.exit_policy import ExitCode
from forkresize.extras import install_command

_MODULES = ("celery", "psycopg", "redis", "obstore", "boto3")
"""What the extra ``cluster`` installs."""


_HELP = {"-h", "--help"}

_USAGE = """\
Usage: forkresized [OPTIONS] COMMAND [ARGS]...

  Make pictures on many machines: the programs of a cluster that run long.

Commands:
  node    Take work from a cluster until it is asked to stop.
  status  Show the nodes, queues, runs and chunks of a cluster.

Documentation: docs/howto/cluster.md
"""
"""The help without the libraries that the commands import."""


def program() -> NoReturn:
    """Run the command and end the process: the entry point of the installed script."""
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of libraries that wait for a server must not keep the process alive.
    os._exit(code)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    if missing := [name for name in _MODULES if find_spec(name) is None]:
        needs = f"forkresized needs {', '.join(missing)}: {install_command('cluster')}"
        if not _HELP.isdisjoint(arguments) or not arguments:
            sys.stdout.write(f"{_USAGE}\n{needs}\n")
            return ExitCode.OK
        sys.stderr.write(f"forkresized: {needs}\n")
        return ExitCode.USAGE
    from forkresize.daemon.command import call

    return call(arguments)
