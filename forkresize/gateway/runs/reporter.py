"""What follows a batch in its process, and writes to the gateway: Reporter."""

import os
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from forkresize.gateway.runs.messages import Advanced, Message, Noticed, PictureFailed, encode_line
from forkresize.gateway.runs.places import hide_locations
from forkresize.gateway.runs.run import Progress
from forkresize.observer import Activity, Observer
from forkresize.outcome import Failed, Outcome
from forkresize.record import record
from forkresize.summary import Summary
from forkresize.tally import Tally

_FIRST_INTERVAL = 0.5
_SHARE = 500
"""Seconds between two messages about the progress, and the share of the elapsed time that they are at least: a day has
about 3,000 of them."""

_FIELDS = ["source", "destination", "status", "reason", "error", "signal", "attempts", "in_bytes", "seconds"]
"""Fields of a failure's record; the others are of outputs that were made."""


class Channel:
    """The pipes to and from the gateway.

    Args:
        reader: descriptor; at its end when the gateway has ended.
        writer: descriptor for lines.
        leave: called when the gateway has ended.
    """

    def __init__(self, reader: int, writer: int, leave: Callable[[], object]) -> None:
        self._reader = reader
        self._writer = writer
        self._leave = leave
        self._poll = select.poll()
        self._poll.register(reader, select.POLLIN)

    def send(self, message: Message) -> None:
        """Write a message; leave if there is no reader."""
        rest = memoryview(encode_line(message))
        try:
            while rest:
                rest = rest[os.write(self._writer, rest) :]
        except BrokenPipeError:
            self._leave()

    def check(self) -> None:
        """Leave if the gateway has ended."""
        if self._poll.poll(0) and not os.read(self._reader, 1):
            self._leave()


class Reporter(Observer):
    """Writes what happens to the gateway.

    Args:
        channel: to the gateway.
        names: what stands in texts for locations.
        clock: returns the time in seconds.
    """

    wants_unchanged = False

    def __init__(self, channel: Channel, names: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._names = names
        self._clock = clock
        self._tally = Tally()
        self._total: tuple[int | None, bool] = None, False
        self._start = self._due = clock()

    def on_total(self, sources: int, *, is_final: bool) -> None:
        """Note how many sources there are."""
        self._total = sources, is_final

    def on_outcome(self, outcome: Outcome) -> None:
        """Count an outcome, and write a failure."""
        self._tally(outcome)
        if isinstance(outcome.detail, Failed):
            found = self._describe(outcome)
            text = msgspec.json.encode(found).decode()
            self._channel.send(PictureFailed(found["source"], found["destination"] or "", text))
        self._report_if_due()

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:  # noqa: ARG002 -- of the hook.
        """Count outputs that are up to date."""
        self._tally.add_unchanged(sources, outputs)
        self._report_if_due()

    def on_tick(self, activities: Sequence[Activity]) -> None:  # noqa: ARG002 -- of the hook.
        """Write the progress from time to time, and look whether the gateway is there."""
        self._channel.check()
        self._report_if_due()

    def on_waiting(self) -> None:
        """Write that another run holds the destination."""
        self.on_notice("waiting for another run to free the destination")

    def on_notice(self, text: str) -> None:
        """Write a remark."""
        self._channel.send(Noticed(self.hide(text)))

    def on_finish(self, summary: Summary) -> None:
        """Write the totals, and what was not done."""
        if summary.refused is not None:
            self.on_notice(summary.refused)
        self.report()

    def report(self) -> None:
        """Write the progress."""
        now, tally = self._clock(), self._tally
        total, is_final = self._total
        self._channel.send(
            Advanced(
                Progress(
                    total=total,
                    total_is_final=is_final,
                    seconds=round(now - self._start, 3),
                    **{name: getattr(tally, name) for name in _COUNTS},
                )
            )
        )
        self._due = now + max(_FIRST_INTERVAL, (now - self._start) / _SHARE)

    def hide(self, text: str) -> str:
        """Return a text without locations."""
        # Names of files may be any bytes; JSON holds text.
        printable = text.encode(errors="surrogateescape").decode(errors="replace")
        return hide_locations(printable, self._names)

    def _report_if_due(self) -> None:
        if self._clock() >= self._due:
            self.report()

    def _describe(self, outcome: Outcome) -> dict[str, Any]:
        found = record(outcome)
        values = {name: found[name] for name in _FIELDS}
        return {name: self.hide(value) if isinstance(value, str) else value for name, value in values.items()}


_COUNTS = ("sources", "written", "unchanged", "skipped", "failed", "pruned", "in_bytes", "out_bytes")


def open_standard_channel(leave: Callable[[], object]) -> Channel:
    """Return a channel on standard input and output. What anything else prints goes to standard error."""
    writer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Channel(sys.stdin.fileno(), writer, leave)
