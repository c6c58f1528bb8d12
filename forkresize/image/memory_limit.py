"""Whether a failure may come of a limit on memory, which decoders take for damage. Limits nothing."""

import mmap
import resource
from collections.abc import Iterable

from msgspec.structs import replace

from forkresize import storage
from forkresize.formats import webp
from forkresize.outcome import Failed, Outcome, Reason

_DOUBTFUL = frozenset({Reason.DAMAGED, Reason.UNSUPPORTED})
"""What a decoder or an encoder seems to have met when it got no memory and does not say so."""

_WEBP = 8
"""Bytes a pixel."""


def cannot_allocate(need: int) -> bool:
    """Whether this process may not have so many bytes more. Its address space is what is limited, so none is touched.

    AVIF and JPEG 2000 files look corrupt where there is a limit and it is met.
    """
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return False
    try:
        mmap.mmap(-1, need).close()
    except OSError:
        return True
    return False


def reclassify(outcomes: Iterable[Outcome], need: int, path: str) -> list[Outcome]:
    """Return outcomes with failures blamed on the limit, where there is one that the picture does not fit in.

    Args:
        outcomes: of one picture.
        need: bytes that it was estimated to take; 0 if its header could not be read.
        path: the picture.
    """
    found = list(outcomes)
    if not any(isinstance(each.detail, Failed) and each.reason in _DOUBTFUL for each in found):
        return found
    need = need or _opening(path)
    return [_blamed(each, need) for each in found] if need and cannot_allocate(need) else found


def _opening(path: str) -> int:
    """Return the bytes that it takes to read the header: of a WebP, room is made for two frames at once."""
    with storage.open_source(path) as file:
        size = webp.size_in_head(file.read(webp.HEAD_BYTES))
    return size[0] * size[1] * _WEBP if size else 0


def _blamed(outcome: Outcome, need: int) -> Outcome:
    if not isinstance(outcome.detail, Failed) or outcome.reason not in _DOUBTFUL:
        return outcome
    told = f"needs about {need / 1e6:.0f} MB, more than --memory or ulimit -v leaves: {outcome.error}"
    return replace(outcome, detail=Failed(Reason.MEMORY_LIMIT, told))
