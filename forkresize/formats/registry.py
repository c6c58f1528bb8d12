"""Tables for recognizing files, made of what the formats declare."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from forkresize.formats import SPECS

_READ = [spec for spec in SPECS.values() if spec.plugin]

PLUGINS = tuple(dict.fromkeys(spec.plugin for spec in _READ))
"""Pillow's modules that read and write the formats, without their common ending."""

MODULES = {spec.name.upper(): spec.plugin for spec in _READ}
"""Pillow's name of a format to its module, as in ``PLUGINS``."""

SUFFIXES = {suffix: spec.name.upper() for spec in _READ for suffix in spec.suffixes}
"""File name suffix to Pillow's name."""

WITHOUT_SIGNATURE = frozenset(spec.name.upper() for spec in _READ if spec.by_suffix)
"""Formats, in Pillow's terms, that a file has only if its suffix matches."""

WITH_SIGNATURE = tuple(spec.name.upper() for spec in _READ if not spec.by_suffix)
"""Formats, in Pillow's terms, that are recognized by content alone, in the order of trying."""

SIGNATURE_LENGTH = 64
"""How many bytes the longest signature needs."""


def _any_of(signatures: Iterable[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(filter(None, signatures)), re.DOTALL)


@cache
def signature() -> re.Pattern[bytes]:
    """Return the beginnings that leave no doubt about the format, even if the file can't be opened."""
    return _any_of(spec.signature for spec in _READ)


def recognize(head: bytes) -> str | None:
    """Return Pillow's name of a file's format if its first bytes leave no doubt about it; None otherwise.

    Args:
        head: ``SIGNATURE_LENGTH`` bytes, if there are as many.
    """
    # Not compiled together: the most frequent formats come first, and compiling all takes as long as ten modules.
    found = (spec for spec in _READ if spec.signature and re.match(spec.signature, head, re.DOTALL))
    return next((spec.name.upper() for spec in found), None)


@cache
def weak_signature() -> re.Pattern[bytes]:
    """Return the beginnings of pictures in rare formats that other files have as well."""
    return _any_of(spec.weak_signature for spec in _READ)


@cache
def unreadable() -> Mapping[str, re.Pattern[bytes]]:
    """Return the beginnings of formats that Pillow does not read by itself, by format."""
    return {spec.name: _any_of([spec.signature]) for spec in SPECS.values() if not spec.plugin}
