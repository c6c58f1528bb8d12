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

from forkresize.outcome import Count, Failed, Outcome, Skipped, Written, truncate, truncate_warnings
from forkresize.pool import Serializer

_PARENT_FIELDS = frozenset({"source", "destination", "attempts", "worker", "seconds"})
"""What the parent knows itself, or better."""


class WireOutcome(Struct, frozen=True, tag_field="status", forbid_unknown_fields=True):
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
        return _OUTCOME_TYPES[type(self)]

    def particulars(self) -> dict[str, Any]:
        """Return the outcome's fields, with no text longer than a person reads."""
        told = {name: truncate(value) if type(value) is str else value for name, value in asdict(self).items()}
        told["warnings"] = truncate_warnings(told["warnings"])
        del told["of_all"]
        return told


def _wire_type(kind: type[Outcome]) -> type[WireOutcome]:
    """Return what holds just those fields of an outcome that a worker tells, each within its bounds."""
    known = _PARENT_FIELDS | set(WireOutcome.__struct_fields__)
    own = [(field.name, field.type) for field in fields(kind) if field.name not in known]
    told = defstruct(f"Wire{kind.__name__}", own, bases=(WireOutcome,), frozen=True, tag=kind.status)
    return cast("type[WireOutcome]", told)


_WIRE_TYPES: Mapping[type[Outcome], type[WireOutcome]] = {kind: _wire_type(kind) for kind in (Written, Skipped, Failed)}
_OUTCOME_TYPES: Mapping[type[WireOutcome], type[Outcome]] = {told: kind for kind, told in _WIRE_TYPES.items()}

_ENCODER = Encoder()
_DECODER: Decoder[list[WireOutcome]] = Decoder(list[reduce(or_, _WIRE_TYPES.values())])  # type: ignore[misc]


def encode_outcomes(outcomes: list[Outcome]) -> bytes:
    """Return what a worker sends of a picture's outcomes."""
    told = [_from_outcome(outcome) for outcome in outcomes]
    try:
        return _ENCODER.encode(told)
    except UnicodeEncodeError:
        return _ENCODER.encode([_escape_surrogates(each) for each in told])


def decode_outcomes(data: bytes | bytearray) -> list[WireOutcome]:
    """Return what a worker has sent.

    Raises:
        ValueError: it is nothing that ``encoded`` makes.
    """
    try:
        return _DECODER.decode(data)
    except RecursionError as too_deep:
        raise ValueError(f"{too_deep}") from too_deep


OUTCOME_SERIALIZER = Serializer(encode_outcomes, decode_outcomes)


def _from_outcome(outcome: Outcome) -> WireOutcome:
    kind = _WIRE_TYPES[type(outcome)]
    own = {name: getattr(outcome, name) for name in kind.__struct_fields__ if name != "of_all"}
    return kind(of_all=outcome.destination is None, **own)


def _escape_surrogates(told: WireOutcome) -> WireOutcome:
    """Return the same with bytes spelled out that are no UTF-8, as JSON is, but names in its texts may be."""
    texts = {name: _escape(value) for name, value in asdict(told).items() if isinstance(value, str)}
    return replace(told, warnings=tuple(map(_escape, told.warnings)), **texts)


def _escape(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
