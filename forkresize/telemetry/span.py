"""A span with its own start and end, as it is written to a file and sent."""

from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.telemetry.context import TraceContext

Attribute: TypeAlias = str | int | float | bool

Kind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]

MAX_TEXT = 500
"""Characters of an error. A hostile picture could provoke long ones."""


class Span(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A span that has ended.

    Attributes:
        name: what was done; one of a few words, or the method and the template of a route.
        context: of the span.
        parent: span id of the parent, in the same trace; empty for none.
        started: in seconds since the epoch.
        ended: in seconds since the epoch.
        kind: its role between processes.
        attributes: details.
        links: the ``traceparent`` of spans that it follows from, in other traces.
        error: why it failed; empty if it did not.
    """

    name: str
    context: TraceContext
    parent: str = ""
    started: float
    ended: float
    kind: Kind = "internal"
    attributes: dict[str, Attribute] = {}
    links: tuple[str, ...] = ()
    error: str = ""

    def __post_init__(self) -> None:
        # Names of files and keys may not be valid text, and one span that cannot be encoded would cost all others.
        force_setattr(self, "error", _to_text(self.error))
        for name, value in self.attributes.items():
            if isinstance(value, str):
                self.attributes[name] = _to_text(value)


def _to_text(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()


def known(**attributes: Attribute | None) -> dict[str, Attribute]:
    """Return the attributes that have a value, with the prefix of this program: ``a_b`` becomes ``forkresize.a_b``."""
    return {f"forkresize.{name}": value for name, value in attributes.items() if value is not None}
