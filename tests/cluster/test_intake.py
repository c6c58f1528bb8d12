"""What a node accepts from a broker: hostile messages, looked at alone and sent to a node that works."""

import json
import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from forkresize.cluster.app import TASK, queue_name
from forkresize.cluster.messages import MAX_BYTES, encode_message
from forkresize.cluster.node.intake import find_fault
from tests.cluster.lab import Lab, wait_for


class Message(NamedTuple):
    """What kombu gives to a consumer."""

    body: bytes
    content_type: str = "application/json"
    content_encoding: str | None = "utf-8"
    headers: Mapping[str, Any] = MappingProxyType({})


EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
BODY = json.dumps([["text"], {}, EMBED]).encode()


def test_a_message_of_this_program_is_accepted() -> None:
    assert find_fault(Message(BODY)) is None
    assert find_fault(Message(BODY, headers={"eta": None, "expires": None, "task": TASK})) is None


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Message(BODY + b" " * MAX_BYTES), "at most 65536 are accepted"),
        (Message(pickle.dumps([["text"], {}, EMBED]), "application/x-python-serialize", "binary"), "content type"),
        (Message(BODY, "application/json", "utf-16"), "content type"),
        (Message(BODY, headers={"eta": "2030-01-01T00:00:00"}), "it has a header 'eta'"),
        (Message(BODY, headers={"expires": 1}), "it has a header 'expires'"),
        (Message(b"[" * 60_000), "malformed message"),
        (Message(b'{"args": ["text"]}'), "malformed message"),
        (Message(json.dumps([["text", "more"], {}, EMBED]).encode()), "malformed message"),
        (Message(json.dumps([["text"], {"self": 1}, EMBED]).encode()), "malformed message"),
        (Message(json.dumps([["text"], {}, {**EMBED, "chain": [{"task": "x"}]}]).encode()), "malformed message"),
        (Message(json.dumps([["text"], {}, {**EMBED, "callbacks": [{"task": "x"}]}]).encode()), "malformed message"),
        (Message(json.dumps([[5], {}, EMBED]).encode()), "malformed message"),
    ],
)
def test_any_other_message_is_refused(message: Message, fault: str) -> None:
    assert fault in (find_fault(message) or "")


def send(lab: Lab, body: bytes, **properties: Any) -> None:
    """Send bytes to the node, past all checks of the sender."""
    lab.publisher.check()
    producer = lab.publisher._producer  # noqa: SLF001 -- no other way.
    options: dict[str, Any] = {"content_type": "application/json", "content_encoding": "utf-8", "headers": {}}
    options |= properties
    options["headers"] = {"task": TASK, "id": "1", **options["headers"]}
    name = queue_name("batch")
    producer.publish(body, exchange="forkresize", routing_key=name, **options)


@pytest.mark.timeout(240)
def test_hostile_messages_do_not_disturb_a_node(lab: Lab) -> None:
    lab.key = b"k" * 32
    lab.env["FORKRESIZE_CLUSTER_KEY"] = lab.key.decode()
    lab.add_pictures(8)
    node = lab.start_node()
    forged = [encode_message(1, 1), encode_message(1, 1, b"l" * 32)]
    for text in (*forged, b"x" * 1000, b'{"run": 1, "chunk": "../../etc"}'):
        send(lab, json.dumps([[text.decode()], {}, EMBED]).encode())
    send(lab, b"x" * 1_000_000)
    send(lab, pickle.dumps(print), content_type="application/x-python-serialize", content_encoding="binary")
    send(lab, BODY, headers={"eta": "2030-01-01T00:00:00"})
    send(lab, BODY, headers={"task": "celery.chunks"})
    send(lab, BODY, headers={"compression": "application/x-gzip"})
    lab.publish(4)
    # Each message twice, as brokers do.
    for number in (1, 2):
        for _ in range(2):
            send(lab, json.dumps([[encode_message(lab.run, number, lab.key).decode()], {}, EMBED]).encode())
    lab.wait_until_finished(90)
    wait_for(lambda: lab.publisher.depths()["batch"] == 0, "all messages are consumed")
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 8
    assert [chunk.attempt for chunk in lab.database.runs.finished_chunks(lab.run)] == [1, 1]
    assert node.process.poll() is None
    assert node.log.count("refused a message") >= 6
