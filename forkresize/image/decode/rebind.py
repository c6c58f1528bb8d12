"""Copies of Pillow's functions that use other objects than the originals."""

from types import FunctionType
from typing import Any


def rebind(function: Any, **names: object) -> Any:
    """Return a copy of a function of Pillow that finds other objects under some global names."""
    copy = FunctionType(
        function.__code__, function.__globals__ | names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
