"""Why no node takes a run."""

import pytest

from forkresize.cluster.client.obstacle import find_obstacle
from forkresize.cluster.database.values import NodeInfo, NodeRow


def node(queue: str = "batch", *, key: bool = False, chunks: int = 0, draining: bool = False) -> NodeRow:
    info = NodeInfo(name="a", workers=1, memory=1, allow=[], queues=[queue], version="1", key=key)
    return NodeRow(info=info, present=True, draining=draining, age=1.0, seen=1.0, chunks=chunks)


@pytest.mark.parametrize(
    ("nodes", "refusal", "seconds", "signed", "obstacle"),
    [
        ([node()], "", 5, False, ""),
        ([node()], "a: no", 5, False, "a: no"),
        ([node("interactive"), node(draining=True)], "a: no", 5, False, "none takes work from the queue 'batch'"),
        ([node(key=True), node(key=True)], "", 5, False, "all of them require the cluster's key"),
        ([node(key=True), node()], "", 5, False, ""),
        ([node(key=True)], "", 5, True, ""),
        ([node(key=True)], "", 15, True, "they are idle, and their logs say why"),
        ([node(), node(chunks=2)], "", 15, False, "they are idle, and their logs say why"),
        ([node(chunks=2)], "", 600, False, ""),
    ],
)
def test_the_obstacle_is_the_first_that_a_user_can_remove(
    nodes: list[NodeRow], refusal: str, seconds: float, signed: bool, obstacle: str
) -> None:
    assert find_obstacle(nodes, "batch", refusal, seconds, signed=signed) == obstacle
