"""The process of a PoolProcess's supervisor, seen from its parent: SupervisorProcess."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from forkresize.pool.message_socket import MessageSocket
from forkresize.pool.server import MAX_OVERHEAD

_COMMAND = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from forkresize.pool.server import main; main()"
_ROOT = str(Path(__file__).parents[2])

_EXIT_GRACE = 5.0
"""Seconds that a supervisor gets to end its workers and exit."""


class SupervisorProcess:
    """A fresh interpreter that runs a supervisor, connected by a socket."""

    def __init__(self, configuration: bytes, max_result: int, environment: Mapping[str, str] | None) -> None:
        """Start it from the thread that stays alive as long as it: the kernel kills it with that thread.

        Args:
            configuration: its first message.
            max_result: the most bytes of a result.
            environment: its variables; None for those of this process.

        Raises:
            OSError: the process cannot be started.
        """
        near, far = socket.socketpair()
        command = [sys.executable, "-c", _COMMAND, _ROOT, str(far.fileno()), str(os.getpid())]
        try:
            with far:
                self.process = subprocess.Popen(  # noqa: S603
                    command,
                    pass_fds=[far.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=environment,
                )
        except BaseException:
            near.close()
            raise
        self.connection = MessageSocket(near, max_result + MAX_OVERHEAD)
        self.connection.send(configuration)
        self.capacity = 0  # How many tasks it takes at a time; 0 until it is ready.

    def stop(self) -> int:
        """Close the connection and wait for the process to end; return its exit code."""
        self.connection.close()
        try:
            return self.process.wait(_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
