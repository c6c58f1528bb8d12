"""The Celery application of a cluster: its queues, and the settings that matter for chunks.

A message is acknowledged after the work, so that RabbitMQ delivers it again at once when a node dies. A node reserves
as many messages as it has threads. Nothing but JSON is read, and no results are stored.
"""

from typing import Any

from celery import Celery
from kombu import Exchange, Queue
from kombu.utils.url import parse_url

from forkresize.cluster.spec import QUEUES
from forkresize.errors import FieldError
from forkresize.urls import redact

TASK = "forkresize.chunk"
"""Name of the only task. Its argument is a message of ``messages``."""

TRACEPARENT = "traceparent"
"""The header of messages that has the context of the run's span, as W3C Trace Context defines it."""

_SCHEMES = {"amqp": "rabbitmq", "amqps": "rabbitmq", "pyamqp": "rabbitmq", "redis": "redis", "rediss": "redis"}

DELIVERY_LIMIT = 20
"""How often RabbitMQ delivers a message at most. Attempts are counted in the database; this is for messages that harm
nodes before they look there."""

VISIBILITY_TIMEOUT = 900
"""Seconds after which Redis delivers a message again that is not acknowledged: more than the longest chunk takes."""

_DEAD_EXCHANGE = Exchange("forkresize.dead", type="topic", durable=True)
_EXCHANGE = Exchange("forkresize", type="topic", durable=True)

_TRANSPORT_OPTIONS: dict[str, dict[str, object]] = {
    "rabbitmq": {"confirm_publish": True, "max_retries": 1, "interval_start": 0, "interval_step": 0.2},
    "redis": {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "unacked_restore_interval": 15,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "max_retries": 1,
    },
}


def broker_kind(url: str) -> str:
    """Return ``rabbitmq`` or ``redis``.

    Raises:
        FieldError: the URL is that of something else.
    """
    scheme = url.partition("://")[0].lower()
    problem = f"invalid URL {redact(url)!r}"
    if "://" not in url or scheme not in _SCHEMES:
        raise FieldError("cluster", f"{problem}: use amqp://HOST/ for RabbitMQ, or redis://HOST:PORT/NUMBER")
    try:
        parse_url(url)
    except ValueError:
        # Its text quotes what stands where the port belongs, which may be a part of the password.
        accepted = "use amqp://USER:PASSWORD@HOST:PORT/ or the like, with special characters percent-encoded"
        raise FieldError("cluster", f"{problem}: {accepted}") from None
    return _SCHEMES[scheme]


def queue_name(queue: str) -> str:
    """Return the broker's name of a queue."""
    return f"forkresize.{queue}"


def dead_letter_queue(queue: str) -> Queue:
    """Return the queue of messages that RabbitMQ gave up, or that were refused."""
    name = f"{queue_name(queue)}.dead"
    arguments = {"x-queue-type": "quorum"}
    return Queue(name, _DEAD_EXCHANGE, routing_key=queue_name(queue), durable=True, queue_arguments=arguments)


def create_app(url: str) -> Celery:
    """Return the application; nothing is connected.

    Args:
        url: of the broker.

    Raises:
        FieldError: the URL is invalid.
    """
    kind = broker_kind(url)
    app = Celery("forkresize", broker=url, set_as_current=False, loader="celery.loaders.app:AppLoader")
    app.conf.update(
        task_queues=[_queue(queue, kind) for queue in QUEUES],
        task_default_queue=queue_name("batch"),
        task_default_exchange=_EXCHANGE.name,
        task_default_exchange_type=_EXCHANGE.type,
        task_default_routing_key=queue_name("batch"),
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=5,
        # A node that is frozen keeps its messages for two of them.
        broker_heartbeat=10,
        broker_transport_options=_TRANSPORT_OPTIONS[kind],
    )
    return app


def declare_queues(app: Celery, connection: Any) -> None:
    """Declare all queues, with those for dead letters, so that RabbitMQ drops no message silently.

    Args:
        app: the application.
        connection: to the broker.
    """
    channel = connection.default_channel
    for name in QUEUES:
        if connection.transport.driver_type == "amqp":
            dead_letter_queue(name)(channel).declare()
        app.amqp.queues[queue_name(name)](channel).declare()


def _queue(queue: str, kind: str) -> Queue:
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": _DEAD_EXCHANGE.name,
        "x-dead-letter-routing-key": queue_name(queue),
    }
    name = queue_name(queue)
    return Queue(name, _EXCHANGE, routing_key=name, queue_arguments=arguments if kind == "rabbitmq" else None)
