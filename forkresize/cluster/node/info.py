"""What a node reports about itself."""

from collections.abc import Sequence

from forkresize._version import __version__
from forkresize.batch.fingerprint import renderer_versions
from forkresize.batch.remote.renderer import Renderer
from forkresize.cluster.database.values import NodeInfo
from forkresize.cluster.node.settings import NodeSettings
from forkresize.cluster.protocol import VERSION


def describe_node(settings: NodeSettings, allow: Sequence[str], renderer: Renderer) -> NodeInfo:
    """Return what a node reports.

    Args:
        settings: what it was started with.
        allow: the URLs that it may use.
        renderer: renders its pictures.
    """
    return NodeInfo(
        name=settings.name,
        workers=renderer.workers,
        memory=renderer.memory,
        allow=list(allow),
        queues=list(settings.queues),
        version=__version__,
        key=settings.key is not None,
        protocol=VERSION,
        renderer=renderer_versions(),
    )
