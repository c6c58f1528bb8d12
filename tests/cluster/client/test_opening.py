"""The connection of a client to a cluster."""

import pytest

from forkresize.cluster.client.opening import connect
from forkresize.errors import ClusterError, FieldError
from tests.servers.postgresql import PostgresServer
from tests.servers.program import find_free_port, uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]


def test_tables_are_created_where_they_are_missing(postgresql: PostgresServer) -> None:
    url = postgresql.new_database()
    for _ in range(2):
        with connect(url, None, b"secret", print) as connection:
            assert connection.database.runs.active() == []
            assert (connection.publisher, connection.secret, connection.notify) == (None, b"secret", print)


def test_a_broker_that_cannot_be_reached_is_an_error_without_its_password(postgresql: PostgresServer) -> None:
    broker = f"amqp://user:pass@127.0.0.1:{find_free_port()}//"
    with (
        pytest.raises(ClusterError, match="cannot be used") as error,
        connect(postgresql.new_database(), broker, None, print),
    ):
        pass
    assert "pass@" not in str(error.value)


def test_a_broker_of_another_kind_is_refused(postgresql: PostgresServer) -> None:
    with (
        pytest.raises(FieldError, match="use amqp://HOST/ for RabbitMQ"),
        connect(postgresql.new_database(), "kafka://host/", None, print),
    ):
        pass
