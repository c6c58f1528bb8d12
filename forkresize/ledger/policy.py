"""How a run treats what earlier runs left: IfExists, Compare and Policy. Holds no behavior."""

from enum import StrEnum

from msgspec import Struct


class IfExists(StrEnum):
    """What is done about an output that is there already."""

    UPDATE = "update"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"


class Compare(StrEnum):
    """What tells that a source changed: its size and time, or its content."""

    STAT = "stat"
    CHECKSUM = "checksum"


class Policy(Struct, frozen=True, kw_only=True):
    """How a run treats what earlier runs left.

    Attributes:
        if_exists: what is done about an output that is there.
        compare: what tells that a source changed.
        retry_failed: whether pictures that failed are tried again though nothing about them changed.
    """

    if_exists: IfExists = IfExists.UPDATE
    compare: Compare = Compare.STAT
    retry_failed: bool = False
