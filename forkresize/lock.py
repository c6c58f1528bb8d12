"""The former name of ``store.lock``; to be removed when nothing imports it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from forkresize.store import lock


def destination_lock(
    destination: str,
    *,
    share: str | None = None,
    patience: float = 0.0,
    on_wait: Callable[[], object] = lambda: None,
) -> AbstractContextManager[str]:
    """Hold a directory for one run; see store.lock."""
    return lock.destination_lock(destination, shard=share, timeout=patience, on_wait=on_wait)
