"""What KEDA asks brokers and the database for, by the chart, counts the chunks that wait and those at work."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from forkresize.cluster.app import create_app, queue_name
from forkresize.cluster.node.settings import NodeSettings
from forkresize.cluster.publisher import Publisher
from forkresize.cluster.spec import QUEUES
from tests.cluster.lab import Lab, wait_for
from tests.deploy.charts import Document, Rendered
from tests.servers.postgresql import PostgresServer
from tests.servers.program import HOST, find_free_port, uses
from tests.servers.rabbitmq import RabbitServer, run_rabbitmq
from tests.servers.redis import run_redis

pytestmark = [*uses("chart"), pytest.mark.slow]

_COUNT = """
local kind = redis.call('type', KEYS[1]).ok
return redis.call(({zset = 'zcard', set = 'scard', list = 'llen', hash = 'hlen', none = 'llen'})[kind], KEYS[1])
"""
"""How KEDA's scaler for Redis counts: a key of any of these kinds (v2.17)."""

_SECONDS = 0.5


def _scaled_object(chart: Rendered, case: str) -> Document:
    (found,) = chart.documents(case, "ScaledObject")
    spec: Document = found["spec"]
    return spec


def _total(spec: Document, values: dict[str, int]) -> int:
    """Return what the formula of a ScaledObject makes of the values of its triggers."""
    names = spec["advanced"]["scalingModifiers"]["formula"].split(" + ")
    assert sorted(names) == sorted(values)
    return sum(values[name] for name in names)


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RabbitServer, int]]:
    """A RabbitMQ broker with its management API, and the port of that."""
    port = find_free_port()

    def configure(directory: Path) -> None:
        (directory / "plugins").write_text("[rabbitmq_management].\n")
        settings = directory / "rabbitmq.conf"
        interval = int(_SECONDS * 1000)
        settings.write_text(
            f"management.tcp.ip = {HOST}\nmanagement.tcp.port = {port}\ncollect_statistics_interval = {interval}\n"
        )
        (directory / "environment").write_text(f"CONFIG_FILE={settings}\n")

    with run_rabbitmq(configure) as server:
        yield server, port


def test_the_management_api_of_rabbitmq_counts_chunks_that_wait_and_those_at_work(
    chart: Rendered, managed: tuple[RabbitServer, int]
) -> None:
    server, port = managed
    spec = _scaled_object(chart, "full")
    assert {trigger["metadata"]["queueName"] for trigger in spec["triggers"]} == {queue_name(name) for name in QUEUES}
    for trigger in spec["triggers"]:
        # Over AMQP, KEDA sees ready messages only.
        assert trigger["metadata"]["protocol"] == "http"
        assert (trigger["metadata"]["mode"], trigger["metadata"]["excludeUnacknowledged"]) == ("QueueLength", "false")

    def count() -> int:
        found = {
            each["name"]: _ask(port, each["metadata"]["queueName"]).get("messages", -1) for each in spec["triggers"]
        }
        return _total(spec, found)

    _check_counts(server.url, count)


def _ask(port: int, queue: str) -> dict[str, Any]:
    """Return what the management API says of a queue of the virtual host ``/``, as KEDA asks for it."""
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    passwords.add_password(None, f"http://{HOST}:{port}/", "guest", "guest", is_authenticated=True)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    with opener.open(f"http://{HOST}:{port}/api/queues/%2F/{queue}", timeout=30) as response:
        found: dict[str, Any] = json.load(response)
        return found


def test_redis_counts_chunks_that_wait_and_those_at_work(chart: Rendered, tmp_path: Path) -> None:
    spec = _scaled_object(chart, "s3 redis True True")
    with run_redis(tmp_path) as server:
        number = int(spec["triggers"][0]["metadata"]["databaseIndex"])
        url = f"{server.url.rpartition('/')[0]}/{number}"
        assert number == 1
        with redis.Redis.from_url(url) as client:

            def count() -> int:
                keys = {each["name"]: each["metadata"]["listName"] for each in spec["triggers"]}
                return _total(spec, {name: client.eval(_COUNT, 1, key) for name, key in keys.items()})

            _check_counts(url, count)


def _check_counts(url: str, count: Callable[[], int]) -> None:
    """Publish two chunks, take one, and acknowledge it; compare what is counted."""
    with Publisher(url) as publisher:
        publisher.publish(7, 3)
        publisher.publish(7, 4, "interactive")
        wait_for(lambda: count() == 2, "both chunks are counted")
        app = create_app(url)
        with app.connection_for_read() as connection, connection.channel() as channel:
            message = app.amqp.queues[queue_name("batch")](channel).get()
            assert message is not None
            wait_for(lambda: publisher.depths()["batch"] == 0, "one chunk is at work")
            wait_for(lambda: count() == 2, "the chunk at work is counted")
            message.ack()
            wait_for(lambda: count() == 1, "a chunk that is done is not counted")
        app.close()


def test_the_database_counts_chunks_that_wait_and_those_at_work(
    chart: Rendered, postgresql: PostgresServer, tmp_path: Path
) -> None:
    (trigger,) = _scaled_object(chart, "s3 postgresql True True")["triggers"]
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    ledger = postgresql.new_database()
    lab = Lab("redis://127.0.0.1:1/0", ledger, (tmp_path / "in").as_uri(), (tmp_path / "out").as_uri(), tmp_path)
    with psycopg.connect(ledger, autocommit=True) as connection:

        def count() -> int:
            row = connection.execute(trigger["metadata"]["query"]).fetchone()
            assert row is not None
            return int(row[0])

        assert count() == 0
        lab.add_pictures(4)
        lab.publish(2, relay=False)
        assert count() == 2
        lease = lab.database.chunks.take(lab.run, 1, "node", redelivered=False)
        assert lease is not None
        assert count() == 2
        lab.database.runs.cancel(lab.run)
        assert count() == 1
    lab.close()


def test_a_node_has_as_many_chunks_as_are_aimed_at(chart: Rendered) -> None:
    spec = _scaled_object(chart, "full")
    chunks = NodeSettings(cluster="", ledger="", allow=(), name="").chunks
    assert spec["advanced"]["scalingModifiers"]["target"] == str(chunks)
    # The last node ends after the lease of another that was lost has run out.
    assert spec["cooldownPeriod"] > 2 * NodeSettings(cluster="", ledger="", allow=(), name="").lease_seconds


def test_the_secret_of_keda_has_the_key_that_its_trigger_reads(chart: Rendered) -> None:
    for case, parameter in (("full", "host"), ("s3 postgresql True True", "connection")):
        (found,) = chart.documents(case, "TriggerAuthentication")
        assert found["spec"]["secretTargetRef"] == [{"parameter": parameter, "name": "keda", "key": parameter}]
        names = {each["authenticationRef"]["name"] for each in _scaled_object(chart, case)["triggers"]}
        assert names == {found["metadata"]["name"]}
