"""Why no node takes the chunks of a run, although nodes are connected."""

from collections.abc import Sequence

from forkresize.cluster.database.values import NodeRow

_LONG = 15.0
"""Seconds after which an idle node should have taken a chunk, also one whose message was lost."""


def find_obstacle(nodes: Sequence[NodeRow], queue: str, refusal: str, seconds: float, *, signed: bool) -> str:
    """Return why no node takes a run; empty if nothing is wrong, such as when all nodes work on other runs.

    Args:
        nodes: those that are connected.
        queue: of the run.
        refusal: why a node has left the run to others; empty if none did.
        seconds: how long no node has worked on the run.
        signed: whether the messages of the run are signed.
    """
    serving = [node for node in nodes if queue in node.info.queues and not node.draining]
    if not serving:
        return f"none takes work from the queue {queue!r}"
    if refusal:
        return refusal
    if not signed and all(node.info.key for node in serving):
        return "all of them require the cluster's key"
    if seconds >= _LONG and any(not node.chunks for node in serving):
        return "they are idle, and their logs say why"
    return ""
