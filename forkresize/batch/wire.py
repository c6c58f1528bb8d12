"""How outcomes cross the pipe from a worker, which may have been taken over: as JSON, and checked. Judges none.

JSON can't ask for more memory than its length, and calls nothing; of what it tells, the parent takes just what it
doesn't know itself, and only in the types that it has to be of.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, cast

from msgspec import Struct, defstruct
from msgspec.json import Decoder, Encoder
from msgspec.structs import asdict, fields, replace

from forkresize.outcome import Count, Failed, Outcome, Skipped, Written, limited, shortened
from forkresize.pool import Codec

_KNOWN = frozenset({"source", "destination", "attempts", "worker", "seconds"})
"""What the parent knows itself, or better."""


class Told(Struct, frozen=True, tag_field="status", forbid_unknown_fields=True):
    """What a worker says of one output, or of all of a picture's together.

    Attributes:
        of_all: whether it is about all outputs.
        rendition: which of the recipe's renditions it is about.
        warnings: what there is to say about it.
    """

    of_all: bool
    rendition: Count
    warnings: tuple[str, ...]

    @property
    def kind(self) -> type[Outcome]:
        """What became of it."""
        return _KINDS[type(self)]

    def particulars(self) -> dict[str, Any]:
        """Return the outcome's fields, with no text longer than a person reads."""
        told = {name: shortened(value) if type(value) is str else value for name, value in asdict(self).items()}
        told["warnings"] = limited(told["warnings"])
        del told["of_all"]
        return told


def _told(kind: type[Outcome]) -> type[Told]:
    """Return what holds just those fields of an outcome that a worker tells, each within its bounds."""
    known = _KNOWN | set(Told.__struct_fields__)
    own = [(field.name, field.type) for field in fields(kind) if field.name not in known]
    told = defstruct(f"Told{kind.__name__}", own, bases=(Told,), frozen=True, tag=kind.status)
    return cast("type[Told]", told)


_TOLD: Mapping[type[Outcome], type[Told]] = {kind: _told(kind) for kind in (Written, Skipped, Failed)}
_KINDS: Mapping[type[Told], type[Outcome]] = {told: kind for kind, told in _TOLD.items()}

_ENCODER = Encoder()
_DECODER: Decoder[list[Told]] = Decoder(list[reduce(or_, _TOLD.values())])  # type: ignore[misc]


def encoded(outcomes: list[Outcome]) -> bytes:
    """Return what a worker sends of a picture's outcomes."""
    told = [_told_of(outcome) for outcome in outcomes]
    try:
        return _ENCODER.encode(told)
    except UnicodeEncodeError:
        return _ENCODER.encode([_spelled_out(each) for each in told])


def decoded(data: bytes | bytearray) -> list[Told]:
    """Return what a worker has sent.

    Raises:
        ValueError: it is nothing that ``encoded`` makes.
    """
    try:
        return _DECODER.decode(data)
    except RecursionError as too_deep:
        raise ValueError(f"{too_deep}") from too_deep


OUTCOMES = Codec(encoded, decoded)


def _told_of(outcome: Outcome) -> Told:
    kind = _TOLD[type(outcome)]
    own = {name: getattr(outcome, name) for name in kind.__struct_fields__ if name != "of_all"}
    return kind(of_all=outcome.destination is None, **own)


def _spelled_out(told: Told) -> Told:
    """Return the same with bytes spelled out that are no UTF-8, as JSON is, but names in its texts may be."""
    texts = {name: _spelled(value) for name, value in asdict(told).items() if isinstance(value, str)}
    return replace(told, warnings=tuple(map(_spelled, told.warnings)), **texts)


def _spelled(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
