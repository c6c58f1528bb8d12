"""How outcomes cross the pipe from a worker, which may have been taken over: as JSON, and checked. Judges none.

JSON can't ask for more memory than its length, and calls nothing; of what it tells, the parent takes just what it
doesn't know itself, and only in the types that it has to be of.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written, limited, shortened
from forkresize.pool import Codec

_KINDS: Mapping[str, type[Outcome]] = {kind.status: kind for kind in (Written, Skipped, Failed)}

_KNOWN = frozenset({"source", "destination", "attempts", "worker", "seconds"})
"""What the parent knows itself, or better."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker says of one output, or of all of a picture's together.

    Attributes:
        kind: what became of it.
        of_all: whether it is about all outputs.
        particulars: the outcome's further fields.
    """

    kind: type[Outcome]
    of_all: bool
    particulars: dict[str, Any]


def encoded(outcomes: list[Outcome]) -> bytes:
    """Return what a worker sends of a picture's outcomes."""
    told = []
    for outcome in outcomes:
        particulars = {name: value for name, value in vars(outcome).items() if name not in _KNOWN}
        told.append((outcome.status, outcome.destination is None, particulars))
    return json.dumps(told, allow_nan=False).encode()


def decoded(data: bytes | bytearray) -> list[Told]:
    """Return what a worker has sent.

    Raises:
        Exception: it is nothing that ``encoded`` makes.
    """
    return [_told(kind, of_all, particulars) for kind, of_all, particulars in json.loads(data)]


OUTCOMES = Codec(encoded, decoded)


def _told(kind: str, of_all: object, particulars: dict[str, Any]) -> Told:
    of = _KINDS[kind]
    if not isinstance(of_all, bool) or particulars.keys() != _NAMES[of]:
        raise ValueError(f"a worker can't say this of an output that is {kind}")
    return Told(of, of_all, {name: _READ[name](value) for name, value in particulars.items()})


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no whole number that can be meant")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no number that can be meant")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 -- it is the worker that is wrong.
    return shortened(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004 -- likewise.
    return value


def _size(value: Any) -> tuple[int, int]:
    width, height = value
    return _whole(width), _whole(height)


def _warnings(value: Any) -> tuple[str, ...]:
    return limited(map(_text, value))


def _if_any(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "rendition": _whole,
    "warnings": _warnings,
    "out_bytes": _whole,
    "in_size": _size,
    "out_size": _size,
    "in_format": _text,
    "out_format": _text,
    "quality": _if_any(_whole),
    "ssim": _if_any(_number),
    "decode_seconds": _number,
    "resize_seconds": _number,
    "encode_seconds": _number,
    "peak_rss": _whole,
    "reason": Reason,
    "error": _text,
    "signal": _if_any(_text),
    "fatal": _truth,
}
"""How each field is read; what is none of its values raises."""

_NAMES = {kind: {field.name for field in fields(kind)} - _KNOWN for kind in _KINDS.values()}
