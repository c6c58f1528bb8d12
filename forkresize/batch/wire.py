"""How jobs and outcomes cross between the parent and its workers: as JSON.

Outcomes are checked against the details' own types, because a worker may have been taken over by a picture: JSON cannot
ask for more memory than its length, and calls nothing. The parent adds what it knows itself: source, destination and
execution.
"""

from collections.abc import Callable
from typing import TypeVar

from msgspec import DecodeError, Struct, convert, to_builtins
from msgspec.json import Decoder, Encoder
from msgspec.structs import asdict, replace

from forkresize.job import Job
from forkresize.outcome import MAX_TEXT, Count, Detail, Failed, Outcome, Skipped, Written, truncate, truncate_warnings
from forkresize.pool import Serializer

_MAX_BYTES = 1 << 20
"""Bytes of a worker's response. Enough for thousands of outputs."""

VERSION = 2
"""Version of the messages to workers. Increase it when their meaning changes."""


class JobMessage(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A job on its way to a worker, with the hash of the recipe that it needs."""

    version: int
    recipe: str
    job: Job


def encode_job(job: Job, recipe: str) -> bytes:
    """Return the message for a job that needs the recipe with a hash."""
    message = JobMessage(VERSION, recipe, job)
    try:
        return _ENCODER.encode(message)
    except UnicodeEncodeError:
        # Paths may contain lone surrogates, which only the standard library can encode.
        import json

        return json.dumps(to_builtins(message)).encode("ascii")


def decode_job(data: bytes | bytearray) -> JobMessage:
    """Return the message that was encoded."""
    try:
        return _JOB_DECODER.decode(data)
    except DecodeError:
        import json

        return convert(json.loads(data), JobMessage)


class WireOutcome(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A worker's outcome of one rendition, by its index in the recipe; of all outputs if that is None."""

    rendition: Count | None
    detail: Written | Skipped | Failed
    warnings: tuple[str, ...]


_T = TypeVar("_T", bound=Struct)

_Result = tuple[int | None, Detail, tuple[str, ...]]

_ENCODER = Encoder()
_DECODER = Decoder(list[WireOutcome])
_JOB_DECODER = Decoder(JobMessage)


def encode_outcomes(outcomes: list[Outcome]) -> bytes:
    """Return what a worker sends for a picture's outcomes; if it is too large, without warnings."""
    return encode_results(
        [(None if each.destination is None else each.rendition, each.detail, each.warnings) for each in outcomes]
    )


def encode_results(results: list[_Result]) -> bytes:
    """Return what a worker sends: the fields of a WireOutcome for each; if it is too large, without warnings."""
    try:
        data = _ENCODER.encode(results)
    except UnicodeEncodeError:
        # JSON is UTF-8, but file names in texts may not be.
        results = [
            (rendition, _map_texts(detail, _escape), tuple(map(_escape, warnings)))
            for rendition, detail, warnings in results
        ]
        data = _ENCODER.encode(results)
    if len(data) <= _MAX_BYTES:
        return data
    return _ENCODER.encode([(rendition, _map_texts(detail, truncate), ()) for rendition, detail, _ in results])


def decode_outcomes(data: bytes | bytearray) -> list[WireOutcome]:
    """Return what a worker has sent, its texts limited in length.

    Raises:
        ValueError: it is not what ``encode_outcomes`` returns.
    """
    try:
        results = _DECODER.decode(data)
    except RecursionError as too_deep:
        raise ValueError(f"{too_deep}") from too_deep
    return [each if _is_short(each) else _shorten(each) for each in results]


_TEXTS = {Written: ("in_format", "out_format"), Skipped: ("error",), Failed: ("error", "signal")}
"""The fields of free text of each detail."""


def _is_short(outcome: WireOutcome) -> bool:
    """Return whether no text has to be cut; nearly all outcomes have short texts and no warnings."""
    detail = outcome.detail
    texts = [getattr(detail, name) or "" for name in _TEXTS[type(detail)]]
    return not outcome.warnings and max(map(len, texts)) <= MAX_TEXT


def _shorten(outcome: WireOutcome) -> WireOutcome:
    detail = _map_texts(outcome.detail, truncate)
    return WireOutcome(outcome.rendition, detail, truncate_warnings(outcome.warnings))


OUTCOME_SERIALIZER = Serializer(encode_outcomes, decode_outcomes, validates=True, max_bytes=_MAX_BYTES)


def _map_texts(detail: _T, change: Callable[[str], str]) -> _T:
    """Return a detail with its free texts changed."""
    texts = {name: change(value) for name, value in asdict(detail).items() if type(value) is str}
    return replace(detail, **texts) if texts else detail


def _escape(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
