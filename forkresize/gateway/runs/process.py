"""The process of a batch, as the gateway sees it: it is started by exec, sends lines, and can be asked to end."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from typing import Self

from msgspec import DecodeError

from forkresize.gateway.runs.messages import BatchOrder, Message, decode_lines, encode_line
from forkresize.pool import signal_name

_LOG = logging.getLogger("forkresize.gateway.runs")

_COMMAND = (sys.executable, "-P", "-m", "forkresize.gateway.runs.batch_process")

_READ = 1 << 18
"""Bytes that are read at once; the messages in them are recorded together."""

_MAX_LINE = 1 << 20
"""Bytes of a line; a record of a failure takes a few hundred."""

_LOG_LINE = 2_000
"""Characters of a line of the log."""

_PATIENCE = 60.0
"""Seconds from one request to end to the next, stronger one."""


class BatchProcess:
    """A process that runs.

    Args:
        run: identifier of the run, for the log.
        process: it.
    """

    def __init__(self, run: str, process: asyncio.subprocess.Process) -> None:
        self._run = run
        self._process = process
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the process needs pipes")
        self._input, self._output, self._errors = process.stdin, process.stdout, process.stderr
        self._log_task = asyncio.create_task(self._forward_log())
        self._cancel_task: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, run: str, order: BatchOrder) -> Self:
        """Start a process with an order.

        Raises:
            OSError: it cannot be started.
        """
        pipe = asyncio.subprocess.PIPE
        # In a session of its own: Ctrl-C in the terminal of the gateway is for the gateway.
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        started = cls(run, process)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            started._input.write(encode_line(order))
            await started._input.drain()
        return started

    async def messages(self) -> AsyncIterator[list[Message]]:
        """Yield what the process writes, until it has ended; several messages that come together at once.

        Raises:
            ValueError: it does not write what it should.
        """
        rest = b""
        while data := await self._output.read(_READ):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _MAX_LINE:
                raise ValueError(f"a line of more than {_MAX_LINE} bytes")
            if lines:
                try:
                    yield decode_lines(lines)
                except DecodeError as error:
                    raise ValueError(str(error)) from error

    async def wait(self) -> str:
        """Return how the process ended, for people, once it has."""
        code = await self._process.wait()
        await self._log_task
        if self._cancel_task is not None:
            self._cancel_task.cancel()
        return f"ended by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"

    def cancel(self) -> None:
        """Ask the batch to end: once its pictures in progress are finished, soon, or at last at once."""
        if self._cancel_task is None:
            self._cancel_task = asyncio.create_task(self._cancel())

    def leave(self) -> None:
        """Let the process see the end of the gateway, as it would see the gateway's death."""
        self._input.close()

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _cancel(self) -> None:
        for ask in (self._process.terminate, self._process.terminate, self._process.kill):
            with contextlib.suppress(ProcessLookupError):
                ask()
            await asyncio.sleep(_PATIENCE)

    async def _forward_log(self) -> None:
        """Write what the process prints to the log. A line that is too long is cut."""
        rest = b""
        while data := await self._errors.read(_READ):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[:_READ]
            for line in lines:
                _LOG.warning("run %s: %s", self._run, line.decode(errors="replace")[:_LOG_LINE])
