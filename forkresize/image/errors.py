"""Why a picture could not be made: PictureError, and the translation of what decoders raise."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from forkresize.errors import ForkresizeError, describe
from forkresize.image.diagnostics import Diagnostics
from forkresize.outcome import Failed, Reason, Skipped

_SAYS_UNSUPPORTED = re.compile(
    r"(unsupported|unimplemented|unknown (raw mode|BLP|pixel format)|cannot handle|decoder \w+ not available)\b",
    re.IGNORECASE,
)


class PictureError(ForkresizeError):
    """A picture cannot be made.

    Attributes:
        reason: the category, by which summaries group failures.
        fatal: whether every other picture would fail for the same reason.
    """

    def __init__(self, reason: Reason, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.fatal = fatal


class PanicError(ForkresizeError):
    """Code in Rust panicked, as some does if it gets no memory."""


@contextmanager
def catching_panics() -> Iterator[None]:
    """Turn a panic of a package in Rust, which is not an Exception, into one.

    Raises:
        PanicError: code in the block panicked.
    """
    try:
        yield
    except BaseException as error:
        # Each package has a class of its own, which it does not export.
        if type(error).__name__ == "PanicException":
            raise PanicError(f"the decoder or encoder panicked: {error}") from error
        raise


def too_large(pixels: int, limit: int, subject: str, factor: str = "") -> PictureError:
    """Return the error for too many pixels; ``subject`` begins its message, for example "the picture has"."""
    message = f"{subject} {pixels / 1e6:.6g} megapixels, more than the limit of {limit / 1e6:.6g} ({factor}max_pixels)"
    return PictureError(Reason.TOO_LARGE, message)


@contextmanager
def decoding(name: str, diagnostics: Diagnostics) -> Iterator[None]:
    """Run decoders in the block: translate what they raise, and collect what they warn about.

    Args:
        name: the picture's, for messages.
        diagnostics: receives the warnings.

    Raises:
        PictureError: the decoder raised anything but a MemoryError.
    """
    try:
        with diagnostics.collect(), catching_panics():
            yield
    except (PictureError, MemoryError):
        raise
    except PanicError as error:
        raise PictureError(Reason.DAMAGED, str(error)) from error
    except Image.DecompressionBombError as error:
        pixels, limit = map(int, re.findall(r"\d+", str(error))[:2])
        raise too_large(pixels, limit, "the picture has") from error
    except Exception as error:
        if is_os_error(error):
            raise unreadable_error(name, error) from error
        raise PictureError(_reason_of(error), str(error) or type(error).__name__) from error


def _reason_of(error: Exception) -> Reason:
    if "out of memory" in str(error):
        return Reason.MEMORY_LIMIT
    return Reason.UNSUPPORTED if says_unsupported(error) else Reason.DAMAGED


def says_unsupported(error: BaseException) -> bool:
    """Return whether a decoder says that it does not support what it reads."""
    return isinstance(error, NotImplementedError) or _SAYS_UNSUPPORTED.match(str(error)) is not None


def unreadable_error(name: str, error: Exception) -> PictureError:
    """Return the error for a source that the operating system does not let us read."""
    return PictureError(Reason.UNREADABLE, f"{name}: {describe(error)}")


def is_os_error(error: Exception) -> bool:
    """Return whether an error comes from the operating system, not from a decoder."""
    # Pillow's own OSErrors have no number, and seeking to a damaged offset gives EINVAL.
    return isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}


def failure_of(error: Exception) -> Skipped | Failed:
    """Return what an exception means for the output that it prevents."""
    if isinstance(error, PictureError):
        if error.reason is Reason.NOT_A_PICTURE:
            return Skipped(error.reason, str(error))
        return Failed(error.reason, str(error), fatal=error.fatal)
    if isinstance(error, MemoryError):
        return Failed(Reason.MEMORY_LIMIT, str(error) or "not enough memory")
    return Failed(Reason.INTERNAL, f"{type(error).__name__}: {error}")
