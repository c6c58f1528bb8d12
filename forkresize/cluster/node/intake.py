"""What a node accepts from the broker: one kind of message, and nothing that Celery could do besides."""

import logging
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from celery.worker.strategy import default
from kombu import compression
from msgspec import DecodeError
from msgspec.json import Decoder

from forkresize.cluster.app import TRACEPARENT
from forkresize.cluster.messages import MAX_BYTES

_LOG = logging.getLogger("forkresize.node")

_BODY = Decoder(tuple[tuple[str], dict[str, None], dict[str, None]])
"""One argument, no options, and no further tasks to call: callbacks, chains and chords are refused."""

_REFUSED_HEADERS = ("eta", "expires", "group", "stamps", "replaced_task_nesting")
"""Headers that would postpone or drop the message, or are for what this program does not use, if they hold anything."""

OnChunk = Callable[[str, bool, str], object]
"""Works on a chunk, from a message's text, whether the broker has delivered it before, and the run's traceparent."""


class ChunkConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer, with the steps that chunks need. The one that is missing would add 28 queues for delays."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """The steps."""

        default_steps = (
            "celery.worker.consumer.connection:Connection",
            "celery.worker.consumer.tasks:Tasks",
            "celery.worker.consumer.consumer:Evloop",
        )


def register_task(app: Celery, name: str, on_chunk: OnChunk) -> None:
    """Add the task to an application.

    Args:
        app: the application.
        name: of the task.
        on_chunk: works on a chunk. The message is acknowledged when it returns.
    """

    @app.task(name=name, bind=True, shared=False, Strategy=staticmethod(strategy))  # type: ignore[untyped-decorator]
    def take_chunk(task: Any, text: str) -> None:
        """Work on a chunk."""
        traceparent = task.request.get(TRACEPARENT)
        redelivered = bool((task.request.delivery_info or {}).get("redelivered"))
        on_chunk(text, redelivered, traceparent if isinstance(traceparent, str) else "")

    app.finalize()
    for other in set(app.tasks) - {name}:
        # Celery's own tasks call others, with any arguments.
        app.tasks.unregister(other)
    # Its threads look for the task in the default application.
    app.set_default()


def refuse_compression() -> None:
    """Make kombu refuse compressed messages: a small one can expand to any size."""
    for method in compression.encoders():
        compression.register(None, _refuse, method, aliases=())


def _refuse(_: object) -> bytes:
    raise ValueError("compressed messages are refused")


def strategy(task: Any, app: Celery, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Return what handles messages: Celery's own function, after a look at the message; see ``Task.Strategy``."""
    handle = default(task, app, consumer, **options)

    def handle_message(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any) -> Any:
        if fault := find_fault(message):
            _LOG.error("refused a message: %s", fault)
            reject(_LOG, consumer.connection_errors)
            return None
        return handle(message, body, ack, reject, callbacks, **more)

    return handle_message


def find_fault(message: Any) -> str | None:
    """Return why a message is refused; None if it is acceptable.

    Args:
        message: of kombu.
    """
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    if len(body) > MAX_BYTES:
        return f"it has {len(body)} bytes, at most {MAX_BYTES} are accepted"
    if message.content_type != "application/json" or (message.content_encoding or "utf-8").lower() != "utf-8":
        return f"its content type is {message.content_type!r}, not 'application/json' in UTF-8"
    headers = message.headers or {}
    for name in _REFUSED_HEADERS:
        if headers.get(name):
            return f"it has a header {name!r}"
    try:
        _BODY.decode(body)
    except (DecodeError, RecursionError, UnicodeError) as error:
        return f"malformed message: {error}"
    return None
