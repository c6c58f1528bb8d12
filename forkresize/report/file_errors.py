"""Errors about the files that a run reports to, in one wording for all of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from forkresize.errors import DestinationError, UsageError, describe


def write_error(kind: str, path: str, reason: OSError | str) -> DestinationError:
    """Return the error for a file that cannot be written.

    Args:
        kind: what the file is, such as ``report``.
        path: the path that the user gave.
        reason: why it cannot be written.
    """
    return DestinationError(_message(kind, path, reason))


def foreign_file_error(kind: str, path: str) -> UsageError:
    """Return the error for a file that exists and that forkresize did not write."""
    article = "an" if kind[0] in "aeiou" else "a"
    return UsageError(f"{path!r} exists and is not {article} {kind}: remove it first, or choose another name")


def missing_directory_error(kind: str, path: str, directory: str) -> UsageError:
    """Return the error for a file whose directory does not exist."""
    return UsageError(_message(kind, path, f"there is no directory {directory!r}"))


@contextmanager
def open_errors(kind: str, path: str) -> Iterator[None]:
    """Translate errors of opening a file: UsageError if the path cannot be a file, else DestinationError."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise UsageError(_message(kind, path, error)) from error
    except OSError as error:
        raise write_error(kind, path, error) from error


@contextmanager
def write_errors(kind: str, path: str) -> Iterator[None]:
    """Translate errors of writing a file to DestinationError."""
    try:
        yield
    except OSError as error:
        raise write_error(kind, path, error) from error


def _message(kind: str, path: str, reason: OSError | str) -> str:
    return f"cannot write the {kind} {path!r}: {describe(reason) if isinstance(reason, OSError) else reason}"
