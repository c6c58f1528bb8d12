"""What the records of runs are given, and what a gateway has of a run that it does."""

from msgspec import Struct


class NewRun(Struct, frozen=True, kw_only=True):
    """A run to add.

    Attributes:
        id: its identifier.
        principal: whose it is.
        request: as ``RunRequest.encode`` returns it.
        digest: of the request.
        destination: the location that no other run may use at the same time.
        recipe: as ``forkresize.recipe.to_bytes`` writes it.
        key: the idempotency key; empty for none.
        traceparent: context of the span that submits it; empty for none.
    """

    id: str
    principal: str
    request: str
    digest: str
    destination: str
    recipe: str
    key: str = ""
    traceparent: str = ""


class Limits(Struct, frozen=True):
    """Limits of the records.

    Attributes:
        queued: runs that wait.
        key_seconds: how long a key holds.
        run_seconds: how long a run is kept after its end.
    """

    queued: int = 100
    key_seconds: float = 86_400.0
    run_seconds: float = 30 * 86_400.0


class Claim(Struct, frozen=True, kw_only=True):
    """A run that a gateway has to do.

    Attributes:
        id: its identifier.
        attempt: 1 for the first time; writes of former attempts are refused.
        cancelled: whether a caller asked for its end.
        request: what was asked for.
        recipe: what to make.
        traceparent: context of the span that submitted it; empty for none.
        batch: its number on the cluster, if a former attempt published it.
    """

    id: str
    attempt: int
    cancelled: bool
    request: str
    recipe: str
    traceparent: str
    batch: int | None


class Lease(Struct, frozen=True):
    """A run that a gateway has, after its lease was renewed."""

    id: str
    attempt: int
    cancelled: bool
