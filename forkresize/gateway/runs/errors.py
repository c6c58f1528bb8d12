"""Why the registry of runs refuses something; the routes answer with a problem for each."""

from forkresize.errors import FieldError, ForkresizeError, UsageError


class NoSuchRunError(ForkresizeError):
    """There is no run with this identifier, or it is another principal's."""

    def __init__(self, run: str) -> None:
        super().__init__(f"there is no run {run!r}")


class KeyReusedError(UsageError):
    """An idempotency key came before, with another request."""

    def __init__(self) -> None:
        super().__init__("this idempotency key came before with another request; use a new key for a new request")


class KeyInUseError(ForkresizeError):
    """The first request with an idempotency key is not answered yet."""

    def __init__(self) -> None:
        super().__init__("the first request with this idempotency key is not answered yet; try again")


class TooManyRunsError(ForkresizeError):
    """So many runs wait that no more are accepted."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} runs wait, and no more are accepted; try again later")


class InvalidRequestError(FieldError):
    """A request for a run is malformed, or asks for what is not possible."""
