"""Where the value of an option came from, and which place overrides which."""

from enum import IntEnum

from msgspec import Struct


class Precedence(IntEnum):
    """The places where a value may be set; each overrides those before it."""

    DEFAULT = 0
    USER = 1
    """The user's settings file."""
    PROJECT = 2
    """The settings file in the working directory, or that of ``--config``."""
    PRESET = 3
    ENVIRONMENT = 4
    FLAG = 5


class Origin(Struct, frozen=True):
    """Where a value came from.

    Attributes:
        strength: the kind of place.
        place: the place, for people.
        key: the key in a file; empty elsewhere.
        line: its line in a file, from 1; 0 elsewhere.
    """

    strength: Precedence
    place: str
    key: str = ""
    line: int = 0


DEFAULT = Origin(Precedence.DEFAULT, "default")
FLAG = Origin(Precedence.FLAG, "flag")

Origins = dict[str, Origin]
"""By field; fields with their defaults may be missing."""
