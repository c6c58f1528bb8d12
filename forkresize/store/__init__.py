"""Where sources and outputs lie: the store protocols and the local file system behind them."""

from forkresize.store.base import (
    FATAL_ERRORS,
    STATE_DIR,
    Capabilities,
    InvalidKeyError,
    ObjectInfo,
    ObjectKind,
    OutputStore,
    SourceStore,
    StagedError,
    Staging,
    check_key,
    checksum,
)
from forkresize.store.local import LocalStore

__all__ = [
    "FATAL_ERRORS",
    "STATE_DIR",
    "Capabilities",
    "InvalidKeyError",
    "LocalStore",
    "ObjectInfo",
    "ObjectKind",
    "OutputStore",
    "SourceStore",
    "StagedError",
    "Staging",
    "check_key",
    "checksum",
]
