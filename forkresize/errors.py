"""What can go wrong, one class a stage, and the exit code each amounts to. Holds no handling."""


class StopRequested(BaseException):
    """A signal asked this process to stop while no pool was listening.

    Attributes:
        signum: the signal's number.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class ForkresizeError(Exception):
    """The base of all errors that forkresize raises on purpose; its text is meant for the user."""


class UsageError(ForkresizeError):
    """The request contradicts itself or can't be met; nothing was done."""


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


class ConflictError(FieldError):
    """Two values of a recipe or of settings exclude each other.

    Attributes:
        other: the name of the other field.
    """

    def __init__(self, field: str, other: str) -> None:
        super().__init__(field, f"cannot be combined with {other}")
        self.other = other


class CollisionError(UsageError):
    """Two sources would be written to one output."""


class SourceError(ForkresizeError):
    """A source that the user named can't be read."""


class DestinationError(ForkresizeError):
    """The destination can't be written."""


class DestinationBusyError(ForkresizeError):
    """Another run holds the destination."""


class LedgerError(ForkresizeError):
    """What is remembered of earlier runs can't be read or written."""


class SandboxError(ForkresizeError):
    """The kernel can't hold workers to what was asked for; nothing was done."""


class BrokenPoolError(ForkresizeError):
    """The workers can't be kept alive, whatever they are given."""


def describe(error: BaseException) -> str:
    """Return the operating system's text for an error, without number and path; for other errors, their own text."""
    return getattr(error, "strerror", None) or str(error)
