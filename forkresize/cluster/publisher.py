"""Publishes the messages of chunks, and counts those that wait."""

import contextlib
from collections.abc import Callable
from typing import Any, Self, TypeVar

from forkresize.cluster.app import TASK, TRACEPARENT, create_app, dead_letter_queue, declare_queues, queue_name
from forkresize.cluster.messages import encode_message
from forkresize.cluster.spec import QUEUES
from forkresize.errors import ClusterError
from forkresize.urls import redact

T = TypeVar("T")

_LONGEST_ANSWER = 10.0
"""Seconds after which a broker that accepts connections, and does not answer, counts as gone."""

_LONGEST_CLOSE = 0.1
"""The same after an error, when the connection is closed."""


class Publisher:
    """Publishes messages. Connects when it is used first, and again after an error. Belongs to one thread.

    Args:
        url: of the broker.
        key: signs the messages; None for none.
        longest_answer: seconds to wait for each answer of the broker.
    """

    def __init__(self, url: str, key: bytes | None = None, longest_answer: float = _LONGEST_ANSWER) -> None:
        self._app = create_app(url)
        self._longest_answer = longest_answer
        self._name = redact(url)
        self._key = key
        self._connection: Any = None
        self._socket: Any = None  # Of a connection to RabbitMQ.
        self._producer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Connect, and declare the queues.

        Raises:
            ClusterError: the broker cannot be used.
        """
        self._try(self._connect)

    def publish(self, run: int, chunk: int, queue: str = "batch", traceparent: str = "") -> None:
        """Announce a chunk; returns when the broker has the message.

        Args:
            run: the chunk's run.
            chunk: the chunk's number.
            queue: where it is announced.
            traceparent: context of the run's span, a header of the message; empty for none. The signature does not
                cover it: a forged one can only mislead those who look at traces.

        Raises:
            ClusterError: the broker cannot be used.
        """
        self._try(lambda: self._publish(encode_message(run, chunk, self._key).decode(), queue, traceparent))

    def depths(self) -> dict[str, int]:
        """Return how many messages wait in each queue, and in those for dead letters if there are any such queues.

        Raises:
            ClusterError: the broker cannot be used.
        """
        return self._try(self._depths)

    def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        connection, self._connection, self._producer, self._socket = self._connection, None, None, None
        if connection is not None:
            # It may be closed because it failed.
            with contextlib.suppress(Exception):
                connection.release()
        self._app.close()

    def _connect(self) -> None:
        if self._connection is None:
            connection = self._app.connection_for_write()
            if connection.transport.driver_type == "redis":
                connection.transport_options["socket_timeout"] = self._longest_answer
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0.2, timeout=10)
            if connection.transport.driver_type == "amqp":
                # Neither kombu nor amqp has an option for all answers.
                self._socket = connection.connection.sock
                self._socket.settimeout(self._longest_answer)
            self._connection = connection
            declare_queues(self._app, connection)
            self._producer = self._app.amqp.Producer(connection, auto_declare=False)

    def _publish(self, message: str, queue: str, traceparent: str) -> None:
        self._connect()
        self._app.send_task(
            TASK,
            [message],
            queue=queue_name(queue),
            producer=self._producer,
            retry=False,
            ignore_result=True,
            headers={TRACEPARENT: traceparent} if traceparent else None,
        )

    def _depths(self) -> dict[str, int]:
        self._connect()
        channel = self._connection.default_channel
        depths = {}
        for name in QUEUES:
            queues = {name: self._app.amqp.queues[queue_name(name)]}
            if self._connection.transport.driver_type == "amqp":
                queues[f"{name}.dead"] = dead_letter_queue(name)
            for label, queue in queues.items():
                depths[label] = int(queue(channel).queue_declare().message_count)
        return depths

    def _try(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except Exception as error:
            # kombu passes on the errors of each transport's own library.
            with contextlib.suppress(OSError):  # It may be closed.
                if self._socket is not None:
                    self._socket.settimeout(_LONGEST_CLOSE)
            self.close()
            text = " ".join(f"{type(error).__name__}: {error}".split())
            raise ClusterError(f"the broker {self._name!r} cannot be used: {text}") from error
