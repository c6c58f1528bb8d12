"""The report with one JSON record per line."""

import json

from forkresize.outcome import Outcome
from forkresize.record import record
from forkresize.report.export.lines import LineReport


class JsonLines(LineReport):
    r"""Write a JSON object per line, pure ASCII.

    A byte 0xNN of a name that is not valid UTF-8 is written as the escape ``\udcNN``; ``os.fsencode`` of what a JSON
    reader returns restores the name's bytes.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, beginning=b"{")

    def line(self, outcome: Outcome) -> bytes:
        """Return the outcome's record as JSON."""
        return json.dumps(record(outcome), separators=(",", ":")).encode("ascii") + b"\n"
