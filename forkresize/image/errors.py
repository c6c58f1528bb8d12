"""Why a picture could not be made: PictureError, and the translation of what decoders raise."""

import errno
import re
from collections.abc import Callable
from types import TracebackType

from PIL import Image

from forkresize.errors import ForkresizeError, describe
from forkresize.image.diagnostics import Diagnostics
from forkresize.outcome import Failed, Reason, Skipped

_SAYS_UNSUPPORTED = (
    r"(?i)(unsupported|unimplemented|unknown (raw mode|BLP|pixel format)|cannot handle|decoder \w+ not available)\b"
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


class _PanicCatcher:
    """See ``catching_panics``. Has no state; a generator as a context manager takes four times as long."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and isinstance(panic := as_exception(error), PanicError) and panic is not error:
            raise panic from error


def as_exception(error: BaseException) -> Exception | None:
    """Return an error if it is an Exception, and an Exception for a panic in Rust; None for all else."""
    # Each package has a class of its own, which it does not export.
    if type(error).__name__ == "PanicException":
        return PanicError(f"the decoder or encoder panicked: {error}")
    return error if isinstance(error, Exception) else None


_PANIC_CATCHER = _PanicCatcher()


def catching_panics() -> _PanicCatcher:
    """Turn a panic of a package in Rust in the block, which is not an Exception, into one.

    Raises:
        PanicError: code in the block panicked.
    """
    return _PANIC_CATCHER


def too_large(pixels: int, limit: int, subject: str, factor: str = "") -> PictureError:
    """Return the error for too many pixels; ``subject`` begins its message, for example "the picture has"."""
    message = f"{subject} {pixels / 1e6:.6g} megapixels, more than the limit of {limit / 1e6:.6g} ({factor}max_pixels)"
    return PictureError(Reason.TOO_LARGE, message)


class _Decoding:
    """See ``decoding``."""

    def __init__(self, name: str, diagnostics: Diagnostics) -> None:
        self._name = name
        self._collecting = diagnostics.collect()

    def __enter__(self) -> None:
        self._collecting.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._collecting.__exit__(kind, error, traceback)
        if error is None or isinstance(error, PictureError | MemoryError):
            return
        if (failure := as_exception(error)) is not None:
            raise _translate(failure, self._name) from error


def _translate(error: Exception, name: str) -> PictureError:
    if isinstance(error, PanicError):
        return PictureError(Reason.DAMAGED, str(error))
    if isinstance(error, Image.DecompressionBombError):
        pixels, limit = map(int, re.findall(r"\d+", str(error))[:2])
        return too_large(pixels, limit, "the picture has")
    if is_os_error(error):
        return unreadable_error(name, error)
    return PictureError(_reason_of(error), str(error) or type(error).__name__)


def decoding(name: str, diagnostics: Diagnostics) -> _Decoding:
    """Run decoders in the block: translate what they raise, and collect what they warn about.

    Args:
        name: the picture's, for messages.
        diagnostics: receives the warnings.

    Raises:
        PictureError: the decoder raised anything but a MemoryError.
    """
    return _Decoding(name, diagnostics)


def _reason_of(error: Exception) -> Reason:
    if "out of memory" in str(error):
        return Reason.MEMORY_LIMIT
    return Reason.UNSUPPORTED if says_unsupported(error) else Reason.DAMAGED


def says_unsupported(error: BaseException) -> bool:
    """Return whether a decoder says that it does not support what it reads."""
    return isinstance(error, NotImplementedError) or re.match(_SAYS_UNSUPPORTED, str(error)) is not None


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


class FailureCatcher:
    """Passes what an exception in the block means for an output to a function, and goes on behind the block.

    Args:
        receive: the function.
    """

    def __init__(self, receive: Callable[[Skipped | Failed], None]) -> None:
        self._receive = receive

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        failure = None if error is None else as_exception(error)
        if failure is None:
            return False
        self._receive(failure_of(failure))
        return True
