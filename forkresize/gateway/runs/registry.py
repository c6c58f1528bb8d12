"""The registry of runs: what the routes use, whether runs are done on a cluster or on this machine."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from forkresize.gateway.runs.feed import Feed
from forkresize.gateway.runs.request import RunRequest
from forkresize.gateway.runs.run import ID, Failure, Run, RunState

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


class RunRegistry(Protocol):
    """The runs of a gateway. All methods raise LedgerError if the records cannot be used."""

    async def submit(self, request: RunRequest, caller: Caller, key: str = "") -> Run:
        """Add a run and return it; return the former one if its idempotency key came before.

        Raises:
            InvalidRequestError: the request asks for what is not possible.
            KeyReusedError: the key came with another request.
            KeyInUseError: the first request with the key is not answered yet.
            TooManyRunsError: too many runs wait.
        """

    async def get(self, run: str, caller: Caller) -> Run:
        """Return a run.

        Raises:
            NoSuchRunError: there is none that the caller may see.
        """

    async def list_runs(self, query: RunsQuery, caller: Caller) -> Sequence[Run]:
        """Return the runs that the caller may see, the newest first."""

    async def cancel(self, run: str, caller: Caller) -> Run:
        """Ask for the end of a run, and return it. One that has ended stays as it is.

        Raises:
            NoSuchRunError: there is none that the caller may see.
        """

    async def failures(self, run: str, caller: Caller, query: FailuresQuery) -> Sequence[Failure]:
        """Return failures of a run, in order.

        Raises:
            NoSuchRunError: there is none that the caller may see.
        """

    def listen(self, run: str) -> AbstractAsyncContextManager[Feed]:
        """Open the events of a run."""
