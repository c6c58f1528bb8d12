"""The command ``forkresized``: what runs long, on the machines of a cluster or behind a web server."""

import os
import sys
from typing import NoReturn


def program() -> NoReturn:
    """Run the command and end the process: the entry point of the installed script."""
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of libraries that wait for a server must not keep the process alive.
    os._exit(code)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code."""
    from forkresize.daemon.command import call

    return call(arguments)
