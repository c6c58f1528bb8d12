"""The optional package that repacks a JPEG in fewer bytes. Changes no pixel."""

from functools import cache
from importlib import import_module
from types import ModuleType


def repack(jpeg: bytes) -> bytes:
    """Return the same coefficients in fewer bytes, by mozjpeg's search for scans; as they are without the package."""
    module = package()
    if module is None:
        return jpeg
    packed: bytes = module.optimize(jpeg, copy=module.COPY_MARKERS.ALL)
    return min(jpeg, packed, key=len)


@cache
def package() -> ModuleType | None:
    """Return the package, loaded on the first call; None where it is not installed."""
    try:
        return import_module("mozjpeg_lossless_optimization")
    except ImportError:
        return None
