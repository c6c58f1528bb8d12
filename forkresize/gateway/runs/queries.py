"""Who asks about runs, and about which ones."""

from typing import Annotated

from msgspec import Meta, Struct

from forkresize.gateway.runs.run import ID, Run, RunState

RunId = Annotated[str, Meta(pattern=ID)]

MAX_PAGE = 500

MAX_NUMBER = (1 << 31) - 1
"""Of events and failures; columns hold no more."""


class Caller(Struct, frozen=True):
    """Who asks.

    Attributes:
        name: of the principal; empty for anonymous callers.
        is_admin: whether it sees the runs of others.
    """

    name: str
    is_admin: bool = False

    def may_see(self, run: Run) -> bool:
        """Return whether a run is the caller's, or anybody's for an admin."""
        return self.is_admin or run.principal == self.name


class RunsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs to list."""

    state: Annotated[RunState | None, Meta(description="Only runs in this state.")] = None
    before: Annotated[RunId | None, Meta(description="Only runs older than the one with this id.")] = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="The most runs of a page.")] = 50


class FailuresQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which failures to list."""

    after: Annotated[int, Meta(ge=0, le=MAX_NUMBER, description="Only failures after the one with this number.")] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="The most failures of a page.")] = 100
