"""Publishing, against real brokers."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from forkresize.cluster.app import TASK, broker_kind, queue_name
from forkresize.cluster.messages import decode_message
from forkresize.cluster.publisher import Publisher
from forkresize.errors import ClusterError, FieldError
from tests.servers.program import find_free_port, freeze

KEY = b"k" * 32


@pytest.fixture
def publisher(broker: Any) -> Iterator[Publisher]:
    with Publisher(broker.url, KEY) as publisher:
        yield publisher


def test_a_message_waits_in_its_queue(publisher: Publisher) -> None:
    # Other tests of the broker may have left messages that no node accepted.
    before = publisher.depths()
    publisher.publish(7, 3)
    publisher.publish(7, 4, "interactive")
    publisher.publish(7, 5)
    depths = publisher.depths()
    assert (depths["batch"], depths["interactive"]) == (2, 1)
    assert sum(depths.values()) == sum(before.values()) + 3


def test_the_message_is_json_with_a_signature(publisher: Publisher) -> None:
    publisher.publish(7, 3)
    message = publisher._connection.default_channel.basic_get(queue_name("batch"))  # noqa: SLF001
    assert message.content_type == "application/json"
    assert message.headers["task"] == TASK
    (text,), options, _ = json.loads(message.body)
    assert options == {}
    assert decode_message(text, KEY).chunk == 3
    assert len(message.body) < 400


def test_it_publishes_again_after_a_restart_of_the_broker(broker: Any, publisher: Publisher) -> None:
    publisher.publish(7, 3)
    broker.restart()
    # A library that notices the loss of its connection may hide it.
    with contextlib.suppress(ClusterError):
        publisher.publish(7, 4)
    publisher.publish(7, 4)
    assert publisher.depths()["batch"] in {2, 3}


def test_a_broker_that_does_not_answer_is_an_error_until_it_does(broker: Any) -> None:
    with Publisher(broker.url, KEY, longest_answer=2.0) as publisher:
        publisher.publish(7, 3)
        with freeze(broker.process), pytest.raises(ClusterError, match=r"(?i)timed ?out|timeout"):
            publisher.publish(7, 4)
        publisher.publish(7, 4)
        assert publisher.depths()["batch"] in {2, 3}


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_a_broker_that_is_not_there_is_an_error_without_the_password(scheme: str) -> None:
    url = f"{scheme}://user:secret@127.0.0.1:{find_free_port()}/0"
    with Publisher(url) as publisher, pytest.raises(ClusterError) as caught:
        publisher.check()
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith(f"the broker '{scheme}://***@127.0.0.1:")


@pytest.mark.parametrize(
    "url", ["amqp://user:se/cret@host:5672//", "redis://:secret?x@host:6379/0", "amqp://user:se[cret@host//"]
)
def test_a_password_that_is_not_encoded_is_not_shown(url: str) -> None:
    with pytest.raises(FieldError, match="with special characters percent-encoded") as caught:
        Publisher(url)
    assert "se" not in str(caught.value).partition("use ")[0]
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["sqs://x", "localhost", "http://x:secret@y/", ""])
def test_other_brokers_are_refused(url: str) -> None:
    with pytest.raises(FieldError, match=r"use amqp://HOST/ for RabbitMQ, or redis://HOST:PORT/NUMBER") as caught:
        broker_kind(url)
    assert "secret" not in str(caught.value)
