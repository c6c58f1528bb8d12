"""The report file with one JSON record a line. Knows nothing of what is in a record."""

import json

from forkresize.outcome import Outcome
from forkresize.record import record
from forkresize.report.export.lines import LineReport


class JsonLines(LineReport):
    r"""A reporter that writes a JSON object a line.

    It is pure ASCII. In a name that is no valid UTF-8, each odd byte 0xNN is written as the escape ``\udcNN``;
    ``os.fsencode`` of what a JSON reader makes of it gives the name's bytes back.

    Args:
        path: the file to write.

    Raises:
        UsageError: there can be no such file, or there is one that is no report.
        DestinationError: it can't be written, now or later.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, beginning=b"{")

    def line(self, outcome: Outcome) -> bytes:
        """Return the outcome's record as JSON."""
        return json.dumps(record(outcome), separators=(",", ":")).encode("ascii") + b"\n"
