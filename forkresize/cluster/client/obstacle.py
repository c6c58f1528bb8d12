"""Why no node takes the chunks of a run, although nodes are connected."""

from collections.abc import Sequence

from forkresize.cluster.database.values import NodeInfo, NodeRow
from forkresize.cluster.protocol import VERSION

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
    suitable = [node for node in serving if node.info.protocol == VERSION]
    if not suitable:
        other = _describe_version(serving[0].info)
        return f"{other}; use the same version of forkresize for the command and all nodes"
    # A node of another version refuses while those of this version have no time yet.
    is_normal = len(suitable) < len(serving) and all(node.chunks for node in suitable)
    if refusal and not is_normal:
        return refusal
    if not signed and all(node.info.key for node in suitable):
        return "all of them require the cluster's key"
    if seconds >= _LONG and any(not node.chunks for node in suitable):
        return "they are idle, and their logs say why"
    return ""


def _describe_version(info: NodeInfo) -> str:
    return (
        f"{info.name} is forkresize {info.version} with version {info.protocol} of the protocol, "
        f"and this program has version {VERSION}"
    )


def find_difference(nodes: Sequence[NodeRow], queue: str, renderer: Sequence[str]) -> str:
    """Return which node renders in another way than this program does; empty if none does.

    Args:
        nodes: those that are connected.
        queue: of the run.
        renderer: what the bytes of outputs depend on here; see ``renderer_versions``.
    """
    for info in (node.info for node in nodes if queue in node.info.queues and node.info.protocol == VERSION):
        if set(info.renderer) != set(renderer):
            theirs = ", ".join(each for each in info.renderer if each not in renderer) or "fewer libraries"
            ours = ", ".join(each for each in renderer if each not in info.renderer) or "fewer libraries"
            return (
                f"{info.name} makes other files than this machine ({theirs}; here {ours}): the next run from here makes"
                " its outputs again; install the same versions"
            )
    return ""
