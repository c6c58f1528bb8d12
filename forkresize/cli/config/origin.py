"""Where the value of an option came from, and which place beats which. Reads none of them."""

from enum import IntEnum

from msgspec import Struct


class Precedence(IntEnum):
    """The places where a value may be set; a later one beats those before it."""

    DEFAULT = 0
    USER = 1
    """The user's own settings file."""
    PROJECT = 2
    """The one in the working directory, or the one that ``--config`` names."""
    PRESET = 3
    ENVIRONMENT = 4
    FLAG = 5


class Origin(Struct, frozen=True):
    """Where a value came from.

    Attributes:
        strength: what kind of place it is.
        place: the place, for people.
        key: the way to it in a file; empty elsewhere.
        line: its line in a file, from 1; 0 elsewhere.
    """

    strength: Precedence
    place: str
    key: str = ""
    line: int = 0


DEFAULT = Origin(Precedence.DEFAULT, "default")
FLAG = Origin(Precedence.FLAG, "flag")

Origins = dict[str, Origin]
"""By field; those that were left at their defaults may be missing."""
