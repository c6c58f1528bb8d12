"""The errors of forkresize, one class per stage; ``exit_policy`` knows the exit code of each."""

from collections.abc import Callable
from typing import Self


class StopRequested(BaseException):
    """A signal asked this process to stop while no run was handling signals.

    Attributes:
        signum: the signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class ForkresizeError(Exception):
    """The base of all errors that forkresize raises on purpose. Their texts are for users."""


class UsageError(ForkresizeError):
    """A request is contradictory or impossible; nothing was done."""


class FieldError(UsageError, ValueError):
    """A recipe or settings hold a value that is invalid.

    Attributes:
        field: the name of the field.
        message: what is wrong with its value, and what is accepted.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Pickle it with the arguments that it was created with."""
        return type(self), (self.field, self.message)


class ConflictError(FieldError):
    """Two values of a recipe or of settings exclude each other.

    Attributes:
        other: the name of the other field.
    """

    def __init__(self, field: str, other: str) -> None:
        super().__init__(field, f"cannot be combined with {other}")
        self.other = other

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Pickle it with the arguments that it was created with."""
        return type(self), (self.field, self.other)


Requirements = tuple[tuple[tuple[str, str], ...], ...]
"""Groups of fields, each with the value that it needs, or an empty text if any will do. One group is needed."""


class NoEffectError(FieldError):
    """A value of a recipe or of settings has no effect without others.

    Attributes:
        requires: the fields that it needs.
        value: the value, if another one of the same field has an effect; otherwise empty.
    """

    def __init__(self, field: str, requires: Requirements, value: str = "") -> None:
        self.requires = requires
        self.value = value
        needed = self.join_requirements(lambda name, word: f"{name}={word!r}" if word else name)
        super().__init__(field, f"{value and repr(value) + ' '}has no effect: it requires {needed}")

    def join_requirements(self, show: Callable[[str, str], str]) -> str:
        """Return the requirements as text; ``show`` returns a field with its value.

        A comma sets the groups apart if the first one has several fields.
        """
        *others, last = (" and ".join(show(*each) for each in group) for group in self.requires)
        comma = "," if len(self.requires[0]) > 1 else ""
        return f"{', '.join(others)}{comma} or {last}" if others else last

    def __reduce__(self) -> tuple[type[Self], tuple[str, Requirements, str]]:  # type: ignore[override]
        """Pickle it with the arguments that it was created with."""
        return type(self), (self.field, self.requires, self.value)


class CollisionError(UsageError):
    """Two sources have the same output."""


class SourceError(ForkresizeError):
    """A source that was named cannot be read."""


class DestinationError(ForkresizeError):
    """The destination cannot be written."""


class DestinationBusyError(ForkresizeError):
    """Another run holds the destination."""


class RunActiveError(DestinationBusyError):
    """A run of a cluster that no client follows holds the destination; nothing was done.

    Attributes:
        run: its number.
    """

    def __init__(self, run: int, destination: str) -> None:
        super().__init__(f"run {run} of the cluster is at work on {destination!r}")
        self.run = run


class LedgerError(ForkresizeError):
    """The ledger cannot be read or written."""


class OutdatedError(LedgerError):
    """A later version of this program has changed the ledger's tables."""


class ClusterError(ForkresizeError):
    """The broker of a cluster cannot be used, or a node cannot work."""


class SandboxError(ForkresizeError):
    """The system does not support the requested sandbox; nothing was done."""


class BrokenPoolError(ForkresizeError):
    """Workers keep dying, regardless of their tasks."""


def describe(error: BaseException) -> str:
    """Return the operating system's text for an error, without number and path; for other errors, their own text."""
    return getattr(error, "strerror", None) or str(error)
