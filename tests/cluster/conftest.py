"""Real brokers."""

from typing import Any

import pytest

from forkresize.cluster.app import queue_name
from forkresize.cluster.publisher import Publisher
from forkresize.cluster.spec import QUEUES
from tests.servers.program import uses

BROKERS = [
    pytest.param("rabbitmq", marks=[*uses("rabbitmq"), pytest.mark.slow]),
    pytest.param("redis", marks=[*uses("redis"), pytest.mark.slow]),
]


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Any:
    """A broker whose queues are empty."""
    server = request.getfixturevalue(request.param)
    with Publisher(server.url) as publisher:
        publisher.check()
        for name in QUEUES:
            publisher._connection.default_channel.queue_purge(queue_name(name))  # noqa: SLF001 -- no other way is needed.
    return server
