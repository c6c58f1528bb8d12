"""Spans on their way from a process that forks, or may not have threads, to the child that sends them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from msgspec.json import Decoder, Encoder

from forkresize.errors import describe
from forkresize.telemetry.span import Span

MAX_SPANS = 20_000
"""Spans that are kept until the end of a run; others are counted."""

SEND_SECONDS = 7.0
"""How long a child may take to start and to send all spans, before it is ended."""

_ENCODER = Encoder()
_DECODER = Decoder(Span)


class Spool:
    """A file of spans without a name, and the child that sends them.

    Args:
        service: name of the program that made them.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._file: IO[bytes] | None = None
        self._count = 0
        self.dropped = 0
        """How many spans had no place."""

    def add(self, spans: Iterable[Span], *, is_last: bool = False) -> None:
        """Write spans.

        Args:
            spans: those to send.
            is_last: whether they have a place in any case.

        Raises:
            OSError: the file cannot be written.
        """
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="forkresize-traces-")  # noqa: SIM115 -- closed by ``send``.
        for span in spans:
            if self._count >= MAX_SPANS and not is_last:
                self.dropped += 1
                continue
            self._count += 1
            self._file.write(_ENCODER.encode(span) + b"\n")

    def send(self, warn: Callable[[str], object], timeout: float = SEND_SECONDS) -> None:
        """Send all spans by a child, and wait for it. What goes wrong is only a warning.

        Args:
            warn: is called with it.
            timeout: seconds after which the child is ended.
        """
        file, self._file = self._file, None
        if file is None:
            return
        with file:
            try:
                file.flush()
                file.seek(0)
                _send(file, self._service, warn, timeout)
            except OSError as error:
                warn(f"no traces are sent: {describe(error)}")


def _send(file: IO[bytes], service: str, warn: Callable[[str], object], timeout: float) -> None:
    command = [sys.executable, "-P", "-m", "forkresize.telemetry.send", service]
    # A session of its own: Ctrl-C ends this process, which ends the child.
    child = subprocess.Popen(  # noqa: S603 -- it is this program.
        command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    with child:
        try:
            _, errors = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            warn(f"the traces could not be sent within {timeout:.0f} s")
            child.kill()
            return
        except BaseException:
            child.kill()
            raise
    lines = errors.decode(errors="replace").split("\n")
    if child.returncode:
        warn(f"the traces could not be sent: {' '.join(filter(None, lines[-2:])) or f'exit code {child.returncode}'}")


def read_spans(descriptor: int) -> Iterator[Span]:
    """Yield the spans in a file of a Spool.

    Args:
        descriptor: of the file, which is closed.

    Raises:
        msgspec.DecodeError: it is not such a file.
    """
    with os.fdopen(descriptor, "rb") as file:
        for line in file:
            yield _DECODER.decode(line)
