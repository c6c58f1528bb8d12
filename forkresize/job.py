"""One picture and where it goes: Source, Output and Job. Holds no settings and does no work."""

from msgspec import Struct


class Source(Struct, frozen=True):
    """A file that was found, as it was when it was found.

    Paths are ``str`` by way of ``os.fsdecode``, so bytes that are no valid UTF-8 survive as lone surrogates.

    Attributes:
        path: where to open it.
        relative: where it lies below its root, with ``/`` between the parts; its output lies likewise.
        size: in bytes.
        mtime_ns: time of last modification in nanoseconds since the epoch.
    """

    path: str
    relative: str
    size: int = 0
    mtime_ns: int = 0


class Output(Struct, frozen=True):
    """One file to make of a picture.

    Attributes:
        path: where to write it.
        rendition: which of the recipe's renditions it is, from 0.
    """

    path: str
    rendition: int = 0


class Job(Struct, frozen=True):
    """One picture to make.

    Attributes:
        source: the picture to read.
        outputs: what to make of it; all of it comes from one decode.
    """

    source: Source
    outputs: tuple[Output, ...]
