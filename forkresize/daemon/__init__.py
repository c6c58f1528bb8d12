"""The command ``forkresized``: what runs long, on the machines of a cluster."""

import os
import sys
from importlib.util import find_spec
from typing import NoReturn

from forkresize.exit_policy import ExitCode
from forkresize.extras import install_command

_MODULES = ("celery", "psycopg", "redis", "obstore", "boto3")
"""What the extra ``cluster`` installs."""


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
        needs = f"forkresized needs {', '.join(missing)}"
        sys.stderr.write(f"forkresized: {needs}: {install_command('cluster')}\n")
        return ExitCode.USAGE
    from forkresize.daemon.command import call

    return call(arguments)
