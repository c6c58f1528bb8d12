"""The events of a run as a stream of server-sent events (WHATWG HTML, section 9.2)."""

import logging
from collections.abc import AsyncIterator

import msgspec

from forkresize.errors import LedgerError
from forkresize.gateway.runs.feed import Feed
from forkresize.gateway.runs.run import Event, EventKind, StateData

MEDIA_TYPE = "text/event-stream"

HEADERS = {
    "cache-control": "no-store",
    # nginx would wait for more.
    "x-accel-buffering": "no",
}

HEARTBEAT = 15.0
"""Seconds without an event, after which a comment shows that the connection lives."""

_RETRY = b"retry: 2000\n\n"
"""Milliseconds after which a browser connects again."""

_LOG = logging.getLogger("forkresize.gateway.runs")

_STATES = msgspec.json.Decoder(StateData)


def encode_event(event: Event) -> bytes:
    """Return an event as it is sent. JSON has no line breaks."""
    return f"id: {event.number}\nevent: {event.kind}\ndata: {event.data}\n\n".encode()


async def stream_events(feed: Feed, after: int, heartbeat: float = HEARTBEAT) -> AsyncIterator[bytes]:
    """Yield the events of a run after one with a number, until it has ended or the gateway ends.

    Args:
        feed: of the run.
        after: number of the last event that the listener knows.
        heartbeat: seconds without an event, after which a comment is sent.
    """
    yield _RETRY
    try:
        while True:
            events = await feed.after(after, heartbeat)
            if events:
                yield b"".join(map(encode_event, events))
                after = events[-1].number
                if _is_last(events[-1]):
                    return
            elif feed.is_closed:
                return
            else:
                yield b": heartbeat\n\n"
    except LedgerError as error:
        # The listener connects again, and continues where it was.
        _LOG.warning("a stream of events ends: %s", error)


def _is_last(event: Event) -> bool:
    """Return whether no event follows: the run has ended."""
    return event.kind is EventKind.STATE and _STATES.decode(event.data).state.is_final
