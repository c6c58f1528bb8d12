"""Where sources and outputs lie: the store protocols and the local file system behind them."""

from forkresize.store.base import (
    STATE_DIR,
    Capabilities,
    InvalidKeyError,
    ObjectInfo,
    ObjectKind,
    OutputStore,
    SourceStore,
    check_key,
    checksum,
)
from forkresize.store.local import LocalStore

__all__ = [
    "STATE_DIR",
    "Capabilities",
    "InvalidKeyError",
    "LocalStore",
    "ObjectInfo",
    "ObjectKind",
    "OutputStore",
    "SourceStore",
    "check_key",
    "checksum",
]
