"""The warnings about one picture, or about one of its renditions."""

import warnings
from contextvars import ContextVar
from threading import Lock
from types import TracebackType
from typing import Any

from PIL.Image import DecompressionBombWarning

_MAX_WARNINGS = 10_000
"""A hostile picture could make a decoder warn until memory runs out."""

_FILTERS = (
    # Pillow raises it at half of the limit; exceeding the limit itself is an error.
    ("ignore", None, DecompressionBombWarning, None, 0),
    ("always", None, RuntimeWarning, None, 0),
    ("always", None, UserWarning, None, 0),
    ("ignore", None, Warning, None, 0),
)
"""In the notation of ``warnings.filters``."""


class Diagnostics:
    """Collects warnings: the picture can be made, but not all of it as one might expect.

    Attributes:
        warnings: the messages in their order; one that repeats the previous one is left out.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Add a message."""
        if len(self.warnings) < _MAX_WARNINGS and message not in self.warnings[-1:]:
            self.warnings.append(message)

    def collect(self) -> "_Collection":
        """Add the warnings that Pillow and its plug-ins raise in the block, by way of Python's ``warnings``."""
        return _Collection(self)


class _Collection:
    """See ``Diagnostics.collect``. Blocks may be nested, and entered by several threads."""

    def __init__(self, receiver: Diagnostics) -> None:
        self._receiver = receiver

    def __enter__(self) -> None:
        self._token = _RECEIVER.set(self._receiver)
        _HOOK.install()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _HOOK.remove()
        _RECEIVER.reset(self._token)


def collect_always() -> None:
    """In a process that does nothing but render: redirect warnings once, and not for each block."""
    _HOOK.install()


_RECEIVER: ContextVar[Diagnostics | None] = ContextVar("_RECEIVER", default=None)


class _Hook:
    """Hands Python's warnings to the Diagnostics of the thread that raises them, while any thread collects some."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._settings = warnings.catch_warnings()

    def install(self) -> None:
        """Redirect warnings, unless they are redirected already."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._redirect()

    def remove(self) -> None:
        """Restore Python's settings if no other thread collects warnings."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._settings.__exit__(None, None, None)

    def _redirect(self) -> None:
        original = warnings.showwarning

        def show(message: Warning | str, *rest: Any, **options: Any) -> None:
            receiver = _RECEIVER.get()
            if receiver is None:
                original(message, *rest, **options)
            else:
                receiver.warn(str(message))

        self._settings = warnings.catch_warnings()
        self._settings.__enter__()
        warnings.showwarning = show
        # Functions of the module would take three times as long.
        warnings.filters = list(_FILTERS)


_HOOK = _Hook()
