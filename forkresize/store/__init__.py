"""Where sources and outputs lie: the store protocols and the local file system behind them."""

from forkresize.store.base import (
    FATAL_ERRORS,
    STATE_DIR,
    InvalidKeyError,
    Opener,
    OutputStore,
    SourceStore,
    StagedError,
    Staging,
    check_key,
    checksum,
    is_reserved,
)
from forkresize.store.info import PLAIN, Capabilities, ChangedError, ObjectInfo, ObjectKind, PutOptions
from forkresize.store.local import LocalStore

__all__ = [
    "FATAL_ERRORS",
    "PLAIN",
    "STATE_DIR",
    "Capabilities",
    "ChangedError",
    "InvalidKeyError",
    "LocalStore",
    "ObjectInfo",
    "ObjectKind",
    "Opener",
    "OutputStore",
    "PutOptions",
    "SourceStore",
    "StagedError",
    "Staging",
    "check_key",
    "checksum",
    "is_reserved",
]
