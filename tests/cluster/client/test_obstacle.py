"""Why no node takes a run."""

from typing import Any

import pytest
from msgspec.structs import replace

from forkresize.cluster.client.obstacle import find_difference, find_obstacle
from forkresize.cluster.database.values import NodeInfo, NodeRow
from forkresize.cluster.protocol import VERSION

RENDERER = ["rendering 3", "Pillow 12.0", "libwebp 1.6"]
INFO = NodeInfo(
    name="a",
    workers=1,
    memory=1,
    allow=[],
    queues=["batch"],
    version="0.9",
    key=False,
    protocol=VERSION,
    renderer=RENDERER,
)


def node(queue: str = "batch", *, chunks: int = 0, draining: bool = False, **info: Any) -> NodeRow:
    described = replace(INFO, queues=[queue], **info)
    return NodeRow(info=described, present=True, draining=draining, age=1.0, seen=1.0, chunks=chunks)


OTHER = (
    "a is forkresize 0.9 with version 1 of the protocol, and this program has version 2; use the same version of"
    " forkresize for the command and all nodes"
)


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
        ([node(protocol=1), node("interactive")], "a: no", 5, False, OTHER),
        ([node(protocol=1), node()], "a: no", 5, False, "a: no"),
        ([node(protocol=1), node(chunks=1)], "a: no", 600, False, ""),
        ([node(protocol=1), node(chunks=1), node()], "a: no", 5, False, "a: no"),
    ],
)
def test_the_obstacle_is_the_first_that_a_user_can_remove(
    nodes: list[NodeRow], refusal: str, seconds: float, signed: bool, obstacle: str
) -> None:
    assert find_obstacle(nodes, "batch", refusal, seconds, signed=signed) == obstacle


@pytest.mark.parametrize(
    ("nodes", "difference"),
    [
        ([node()], ""),
        ([node(renderer=RENDERER[::-1])], ""),
        ([node("interactive", renderer=[])], ""),
        ([node(renderer=[], protocol=1)], ""),
        ([node(), node(renderer=["rendering 2", *RENDERER[1:]])], "(rendering 2; here rendering 3)"),
        ([node(renderer=[*RENDERER, "pyoxipng 9.1"])], "(pyoxipng 9.1; here fewer libraries)"),
    ],
)
def test_a_node_that_makes_other_files_is_named_with_the_difference(nodes: list[NodeRow], difference: str) -> None:
    found = find_difference(nodes, "batch", RENDERER)
    assert difference in found
    assert bool(found) == bool(difference)
