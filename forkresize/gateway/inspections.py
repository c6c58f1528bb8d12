"""What pictures were found to be, remembered: Inspections."""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

from forkresize.batch.remote.renderer import Inspected
from forkresize.gateway.roots import Located
from forkresize.gateway.single_flight import SingleFlight

_KEPT = 10_000
"""Pictures; each takes less than 1 kB."""

_Version: TypeAlias = tuple[object, ...]


class Inspections:
    """What pictures were found to be, by where they are and by their version. For one event loop.

    Requests for the same picture wait for one inspection, which ends with the last of them.

    Args:
        inspect: returns what a source is; may raise.
        kept: how many pictures are remembered; those that were not asked for longest are forgotten.
    """

    def __init__(self, inspect: Callable[[Located], Coroutine[Any, Any, Inspected]], kept: int = _KEPT) -> None:
        self._inspect = inspect
        self._kept = kept
        self._found: OrderedDict[_Version, Inspected] = OrderedDict()
        self._running = SingleFlight[Inspected]()

    def __len__(self) -> int:
        """Return how many pictures are remembered."""
        return len(self._found)

    async def find(self, located: Located) -> Inspected:
        """Return what a source is.

        Raises:
            Exception: what inspecting it raises.
        """
        version = _version_of(located)
        if version in self._found:
            self._found.move_to_end(version)
            return self._found[version]
        return await self._running.run(version, partial(self._run, version, located))

    async def _run(self, version: _Version, located: Located) -> Inspected:
        found = self._found[version] = await self._inspect(located)
        while len(self._found) > self._kept:
            self._found.popitem(last=False)
        return found


def _version_of(located: Located) -> _Version:
    info = located.info
    return located.store.location(info.key), info.size, info.mtime_ns, info.changed_ns, info.etag, info.version
