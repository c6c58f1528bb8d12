"""How outcomes cross the pipe from a worker, which may have been taken over: as JSON, and checked. Judges none.

JSON can't ask for more memory than its length, and calls nothing; of what it tells, the parent takes just what it
doesn't know itself, and only in the types that it has to be of.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from msgspec import Struct, convert, defstruct
from msgspec.structs import asdict, fields

from forkresize.outcome import Failed, Outcome, Skipped, Written, limited, shortened
from forkresize.pool import Codec

_KINDS: Mapping[str, type[Outcome]] = {kind.status: kind for kind in (Written, Skipped, Failed)}

_KNOWN = frozenset({"source", "destination", "attempts", "worker", "seconds"})
"""What the parent knows itself, or better."""


def _particulars(kind: type[Outcome]) -> type[Struct]:
    """Return what holds just those fields of an outcome that a worker tells, each within its bounds."""
    told = [(field.name, field.type) for field in fields(kind) if field.name not in _KNOWN]
    return defstruct(f"{kind.__name__}Particulars", told, forbid_unknown_fields=True)


_PARTICULARS: Mapping[str, type[Struct]] = {status: _particulars(kind) for status, kind in _KINDS.items()}


class Told(Struct, frozen=True):
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
        names = _PARTICULARS[outcome.status].__struct_fields__
        particulars = {name: getattr(outcome, name) for name in names}
        told.append((outcome.status, outcome.destination is None, particulars))
    return json.dumps(told, allow_nan=False).encode()


def decoded(data: bytes | bytearray) -> list[Told]:
    """Return what a worker has sent.

    Raises:
        Exception: it is nothing that ``encoded`` makes.
    """
    # Not msgspec's own reader: it takes no text with lone surrogates, as in names that are no UTF-8.
    told = convert(json.loads(data, parse_constant=_refused), list[tuple[str, bool, dict[str, Any]]])
    return [_told(status, of_all, particulars) for status, of_all, particulars in told]


OUTCOMES = Codec(encoded, decoded)


def _told(status: str, of_all: bool, particulars: dict[str, Any]) -> Told:
    checked = asdict(convert(particulars, _PARTICULARS[status]))
    checked["warnings"] = limited(checked["warnings"])
    texts = {name: shortened(value) for name, value in checked.items() if type(value) is str}
    return Told(_KINDS[status], of_all, checked | texts)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number that can be meant")
