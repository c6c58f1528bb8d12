"""Leases that cannot be renewed, against a real server."""

from types import SimpleNamespace
from typing import Any

import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import NewChunk, NodeInfo, Result
from forkresize.cluster.node.heartbeat import Heartbeat
from forkresize.cluster.spec import RunSpec
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

SPEC = RunSpec(sources=["s3://photos/in"], destination="s3://web/out", recipe="{}")
INFO = NodeInfo(name="a", workers=1, memory=1, allow=[], queues=[], version="1", key=False)


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_lease_is_lost_unless_the_node_itself_has_finished_the_chunk(
    database: ClusterDatabase, url: str, *, has_ended: bool
) -> None:
    database.runs.create(1, SPEC)
    database.runs.add_chunks(1, [NewChunk(1, "manifest", 0, 1, 1)])
    lease = database.chunks.take(1, 1, "a")
    assert lease is not None
    assert database.chunks.finish(lease, Result(made=1, outcomes="outcomes", counts={"written": 1}))

    renewals, lost = list[bool](), list[int]()
    chunk: Any = SimpleNamespace(lease=lease, made=1, is_lost=False, has_ended=has_ended)
    chunk.note_renewal = lambda *, is_renewed: renewals.append(is_renewed)
    chunk.lose = lambda: lost.append(lease.number)
    with Heartbeat(url, INFO, lambda: [chunk], lambda: False, 600):
        pass
    assert (renewals, lost) == (([], []) if has_ended else ([False], [1]))
