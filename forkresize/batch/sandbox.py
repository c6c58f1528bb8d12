"""What the workers of a batch are held to: which files they may reach. Enforces nothing."""

import errno
import os
from collections.abc import Sequence
from io import FileIO

from msgspec.structs import replace

from forkresize import storage
from forkresize.batch.settings import Settings
from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.job import Job
from forkresize.pool import PoolOptions, SandboxMode, SandboxPolicy


def sandboxed_pool_options(settings: Settings, sources: Sequence[str], destination: str) -> PoolOptions:
    """Return how to run the pool, its workers held to reading the sources and writing the destination.

    A source that lies elsewhere, because a link leads there or it was named by itself, is lent.

    Args:
        settings: how to run.
        sources: directories and files that were named.
        destination: the directory to write to, which is there.
    """
    if settings.sandbox is SandboxMode.OFF:
        return replace(settings.pool, serializer=OUTCOME_SERIALIZER)
    confinement = SandboxPolicy(
        mode=settings.sandbox,
        read=tuple(source for source in sources if os.path.isdir(source)),
        write=(destination,),
        open_file=_open_for_worker,
    )
    return replace(settings.pool, sandbox=confinement, serializer=OUTCOME_SERIALIZER)


def _open_for_worker(job: Job, path: str) -> FileIO:
    if path != job.source.path:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return storage.open_source(path)
