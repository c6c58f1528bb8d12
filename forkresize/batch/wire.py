"""How jobs and outcomes cross between the parent and its workers.

Jobs are MessagePack, with paths as bytes: they may not be valid text. Outcomes are JSON, checked against the details'
own types, because a worker may have been taken over by a picture: JSON cannot ask for more memory than its length, and
calls nothing. The parent adds what it knows itself: source, destination and execution.
"""

import os
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, msgpack
from msgspec.json import Decoder, Encoder
from msgspec.structs import asdict, replace

from forkresize.job import Job, Output, Source
from forkresize.outcome import Count, Failed, Outcome, Skipped, Written, truncate, truncate_warnings
from forkresize.pool import Serializer

VERSION = 1
"""Version of the messages to workers. Increase it when their meaning changes."""


class JobMessage(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A job on its way to a worker.

    Attributes:
        version: version of the message.
        recipe: hash of the recipe that the job needs.
        path: path of the source.
        relative: path of the source below its root.
        size: of the source in bytes.
        mtime_ns: of the source.
        outputs: key and index of the rendition of each output.
    """

    version: int
    recipe: bytes
    path: bytes
    relative: bytes
    size: int
    mtime_ns: int
    outputs: tuple[tuple[bytes, int], ...]

    @property
    def job(self) -> Job:
        """The job."""
        source = Source(os.fsdecode(self.path), os.fsdecode(self.relative), self.size, self.mtime_ns)
        return Job(source, tuple(Output(os.fsdecode(key), rendition) for key, rendition in self.outputs))


def encode_job(job: Job, recipe: bytes) -> bytes:
    """Return the message for a job.

    Args:
        job: the job.
        recipe: hash of the recipe that it needs.
    """
    source = job.source
    outputs = tuple((os.fsencode(output.key), output.rendition) for output in job.outputs)
    paths = os.fsencode(source.path), os.fsencode(source.relative)
    return msgpack.encode(JobMessage(VERSION, recipe, *paths, source.size, source.mtime_ns, outputs))


_JOB_DECODER = msgpack.Decoder(JobMessage)


def decode_job(data: bytes | bytearray) -> JobMessage:
    """Return the message that was encoded."""
    return _JOB_DECODER.decode(data)


class WireOutcome(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A worker's outcome of one output, or of all outputs of a picture.

    Attributes:
        rendition: index of the output's rendition in the recipe; None if it covers all outputs.
        detail: what happened to it.
        warnings: remarks on it.
    """

    rendition: Count | None
    detail: Written | Skipped | Failed
    warnings: tuple[str, ...]


_T = TypeVar("_T", bound=Struct)

_ENCODER = Encoder()
_DECODER = Decoder(list[WireOutcome])


def encode_outcomes(outcomes: list[Outcome]) -> bytes:
    """Return what a worker sends for a picture's outcomes."""
    results = [(None if each.destination is None else each.rendition, each.detail, each.warnings) for each in outcomes]
    try:
        return _ENCODER.encode(results)
    except UnicodeEncodeError:
        # JSON is UTF-8, but file names in texts may not be.
        return _ENCODER.encode(
            [
                (rendition, _map_texts(detail, _escape), tuple(map(_escape, warnings)))
                for rendition, detail, warnings in results
            ]
        )


def decode_outcomes(data: bytes | bytearray) -> list[WireOutcome]:
    """Return what a worker has sent, its texts limited in length.

    Raises:
        ValueError: it is not what ``encode_outcomes`` returns.
    """
    try:
        results = _DECODER.decode(data)
    except RecursionError as too_deep:
        raise ValueError(f"{too_deep}") from too_deep
    return [
        WireOutcome(each.rendition, _map_texts(each.detail, truncate), truncate_warnings(each.warnings))
        for each in results
    ]


OUTCOME_SERIALIZER = Serializer(encode_outcomes, decode_outcomes)


def _map_texts(detail: _T, change: Callable[[str], str]) -> _T:
    """Return a detail with its free texts changed."""
    texts = {name: change(value) for name, value in asdict(detail).items() if type(value) is str}
    return replace(detail, **texts) if texts else detail


def _escape(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
