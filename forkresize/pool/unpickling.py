"""How the pool reads what a worker sends, which may have been taken over. Knows no message."""

import io
import pickle
from collections.abc import Callable, Mapping
from enum import EnumType
from typing import Any


class AnswerUnpickler(pickle.Unpickler):
    """Makes nothing but plain values and instances of the classes that it is told of.

    A pickle is a program: one that is made with malice calls whatever it can import.
    """

    def __init__(self, data: bytes | bytearray, classes: Mapping[tuple[str, str], type]) -> None:
        """Take a pickle.

        Args:
            data: the pickle.
            classes: by the names of their modules and their own.
        """
        super().__init__(io.BytesIO(data))
        self._classes = classes

    def find_class(self, module: str, name: str, /) -> Callable[..., object]:
        """Return a class that a pickle asks for.

        Raises:
            pickle.UnpicklingError: it is none of those.
        """
        if (module, name) == ("builtins", "getattr"):
            return _member
        try:
            return self._classes[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a worker may not send a {module}.{name}") from None


def _member(words: object, name: str) -> object:
    """Stand in for ``getattr``, as which Python before 3.11.4 pickles the member of an enumeration.

    Raises:
        pickle.UnpicklingError: it is none.
    """
    if isinstance(words, EnumType) and name in words.__members__:
        return words[name]
    raise pickle.UnpicklingError(f"a worker may not ask for {name} of a {type(words).__name__}")


class AnswerReader:
    """Unpickles what workers send."""

    def __init__(self, classes: tuple[type, ...] | None) -> None:
        """Make a reader.

        Args:
            classes: what may come out besides plain values; None for whatever is asked for.
        """
        self._classes = None if classes is None else {(each.__module__, each.__qualname__): each for each in classes}

    def __call__(self, data: bytes | bytearray) -> Any:
        """Return what a pickle holds.

        Raises:
            Exception: it holds what it may not, or the class of what it holds raised.
        """
        if self._classes is None:
            return pickle.loads(data)  # noqa: S301  A worker of ours pickled it, and nobody else has been in there.
        return AnswerUnpickler(data, self._classes).load()
