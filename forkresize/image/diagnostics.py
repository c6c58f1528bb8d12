"""The warnings about one picture, or about one of its renditions."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL.Image import DecompressionBombWarning

_MAX_WARNINGS = 10_000
"""A hostile picture could make a decoder warn until memory runs out."""


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

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Add the warnings that Pillow and its plug-ins raise in the block, by way of Python's ``warnings``."""

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            self.warn(str(message))

        with warnings.catch_warnings():
            warnings.showwarning = show
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("always", RuntimeWarning)
            # Pillow raises it at half of the limit; exceeding the limit itself is an error.
            warnings.simplefilter("ignore", DecompressionBombWarning)
            yield
