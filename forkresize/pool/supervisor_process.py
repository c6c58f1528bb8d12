"""The parent's handle of a supervisor's process: SupervisorProcess."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from forkresize.pool.message_socket import MessageSocket

_COMMAND = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from forkresize.pool.server import main; main()"
_ROOT = str(Path(__file__).parents[2])

_EXIT_GRACE = 5.0
"""Seconds that a supervisor gets to end its workers and exit."""


class SupervisorProcess:
    """A fresh interpreter that runs a supervisor, connected by a socket.

    Attributes:
        process: the process.
        connection: this end of the connection.
        capacity: how many tasks it takes at a time; 0 until it is ready.
    """

    def __init__(self, configuration: bytes) -> None:
        """Start it from the thread that stays alive as long as it: the kernel kills it with that thread.

        Raises:
            OSError: the process cannot be started.
        """
        near, far = socket.socketpair()
        command = [sys.executable, "-c", _COMMAND, _ROOT, str(far.fileno()), str(os.getpid())]
        try:
            with far:
                self.process = subprocess.Popen(  # noqa: S603
                    command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
                )
        except BaseException:
            near.close()
            raise
        self.connection = MessageSocket(near)
        self.connection.send(configuration)
        self.capacity = 0

    def stop(self) -> int:
        """Close the connection and wait for the process to end; return its exit code."""
        self.connection.close()
        try:
            return self.process.wait(_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
