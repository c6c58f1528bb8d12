"""What is tried on a picture: faults become outcomes, and warnings are kept. Decodes nothing."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PIL.Image import DecompressionBombWarning

from forkresize.image.picture import PictureError
from forkresize.outcome import About, Failed, Outcome, Reason, Skipped

WarningList = list[str]
"""What was warned of and not yet told."""

_MAX_WARNINGS = 10_000
"""Warnings; a hostile picture could have a decoder warn until memory runs out."""


@contextmanager
def collect_warnings() -> Iterator[WarningList]:
    """Yield the list that what is warned of in the block is added to."""
    caught: WarningList = []

    def keep(message: Warning | str, *_: Any, **__: Any) -> None:
        text = str(message)
        if len(caught) < _MAX_WARNINGS and text not in caught[-1:]:
            caught.append(text)

    with warnings.catch_warnings():
        warnings.showwarning = keep
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        # Said at half of the limit that is set; the limit itself is an error.
        warnings.simplefilter("ignore", DecompressionBombWarning)
        yield caught


def drain(caught: WarningList, start: int = 0) -> list[str]:
    """Return what was warned of from a place in the list on, and remove it there."""
    told = caught[start:]
    del caught[start:]
    return told


def run_guarded(subject: About, make: Callable[[], list[Outcome]]) -> list[Outcome]:
    """Return what is made, or else the one outcome that tells why it could not be. Raises nothing."""
    try:
        return make()
    except PictureError as error:
        if error.reason is Reason.NOT_A_PICTURE:
            return [Skipped(**subject, reason=error.reason, error=str(error))]
        return [Failed(**subject, reason=error.reason, error=str(error), fatal=error.fatal)]
    except MemoryError as error:
        told = str(error) or "there was not enough memory for it"
        return [Failed(**subject, reason=Reason.MEMORY_LIMIT, error=told)]
    except Exception as error:  # noqa: BLE001 -- one picture's trouble must not stop the others.
        return [Failed(**subject, reason=Reason.INTERNAL, error=f"{type(error).__name__}: {error}")]
