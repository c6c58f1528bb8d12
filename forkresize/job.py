"""The values of one picture: Source, Output and Job."""

from msgspec import Struct


class Source(Struct, frozen=True, omit_defaults=True):
    """A file, as it was when it was found.

    Paths are decoded by ``os.fsdecode``: bytes that are not valid UTF-8 are kept as lone surrogates.

    Attributes:
        path: a local path, or the URL of an object.
        relative: its path below its root, with ``/`` between the parts; outputs mirror it.
        size: in bytes.
        mtime_ns: modification time in nanoseconds since the epoch.
        etag: what the store of an object calls its content; None for a local file.
        version: what the store calls this version of the object; None if it keeps none.
    """

    path: str
    relative: str
    size: int = 0
    mtime_ns: int = 0
    etag: str | None = None
    version: str | None = None


class Output(Struct, frozen=True):
    """One file to make of a picture.

    Attributes:
        key: its key in the output store: relative to the destination, with ``/`` between the parts.
        rendition: index of its rendition in the recipe.
        staged: the key that a worker writes it to; empty for its own.
    """

    key: str
    rendition: int = 0
    staged: str = ""


class Job(Struct, frozen=True):
    """One picture to process.

    Attributes:
        source: the picture to read.
        outputs: what to make of it; all outputs come from one decode.
        in_place: whether the output replaces the source.
    """

    source: Source
    outputs: tuple[Output, ...]
    in_place: bool = False
