"""Pictures that were made, in a store: found there, and put there beside the requests: Derivatives."""

import asyncio
import io
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from msgspec import Struct

from forkresize.errors import LedgerError, describe
from forkresize.formats import media_type
from forkresize.gateway.derivatives.memory import Derivative, HotDerivatives, Identity
from forkresize.gateway.derivatives.places import Place, Places, Target
from forkresize.gateway.derivatives.recorder import Recorder
from forkresize.gateway.derivatives.records import Made
from forkresize.gateway.derivatives.settings import DerivativeSettings
from forkresize.gateway.derivatives.stores import DestinationStores
from forkresize.gateway.observation import current_record
from forkresize.gateway.pictures import Picture
from forkresize.gateway.roots import Located
from forkresize.gateway.settings import GatewaySettings
from forkresize.gateway.threads import Threads
from forkresize.job import Job, Output, Source
from forkresize.ledger import RecipeFingerprints
from forkresize.outcome import Outcome, OutputRef
from forkresize.recipe import Recipe
from forkresize.store import ChangedError, ObjectInfo, OutputStore, PutOptions
from forkresize.store.objects import StoreOptions
from forkresize.telemetry.context import TraceContext

_LOG = logging.getLogger("forkresize.gateway")

_KNOWN = 16_384
"""Pictures in the store whose records are kept in mind."""

_MAX_PENDING = 64_000_000
"""Bytes of pictures that are about to be put; beyond, pictures are not kept."""

_MAX_HOT = 32_000_000
"""Bytes of pictures that are kept in memory besides."""

_LOOK_UP = 0.25
"""The part of the time of a request that looking for its picture in the store may take."""

_PUTS, _READS = 4, 8
"""Requests to the store at the same time."""


class _Known(Struct, frozen=True):
    """A picture in the store, what it was made of, and its format."""

    identity: Identity
    info: ObjectInfo
    media_type: str


class Put(Struct, frozen=True):
    """That a picture was put into the store, after it was answered.

    Attributes:
        started: in seconds since the epoch.
        ended: in seconds since the epoch.
        size: of the picture in bytes.
        context: of the request that it was made for; None for none.
        error: why it could not be put; empty if it was.
    """

    started: float
    ended: float
    size: int
    context: TraceContext | None
    error: str


class Derivatives:
    """Pictures that were made, in a store. For one event loop.

    Args:
        settings: where they are, and what is recorded where.
        presets: recipes by name.
        options: limits of the requests to object stores.
        patience: seconds that looking for a picture may take. A request without it has time left to make it.
        presets_only: whether only pictures are kept that a preset alone describes.

    Raises:
        UsageError: the store cannot be used.
    """

    def __init__(
        self,
        settings: DerivativeSettings,
        presets: Mapping[str, Recipe],
        options: StoreOptions,
        *,
        patience: float = math.inf,
        presets_only: bool = False,
    ) -> None:
        self._patience = patience
        self._stores = DestinationStores(settings.store or "", options)
        self._places = Places(presets, presets_only=presets_only)
        self._recorder = Recorder(self._stores, settings.ledger)
        self._reading, self._putting = Threads(_READS), Threads(_PUTS)
        self._hot = HotDerivatives(_MAX_HOT)
        self._known: OrderedDict[Place, _Known] = OrderedDict()
        self._pending: dict[Place, tuple[Identity, Derivative]] = {}
        self._puts: set[asyncio.Task[None]] = set()
        self._pending_bytes = 0
        self.on_put: Callable[[Put], object] = lambda _: None
        """Called after each put, also of one that has failed."""

    @property
    def pending_bytes(self) -> int:
        """Bytes of pictures that are about to be put."""
        return self._pending_bytes

    @property
    def store(self) -> OutputStore:
        """Where the pictures are."""
        return self._stores.whole

    @property
    def recorder(self) -> Recorder:
        """Records what was put."""
        return self._recorder

    def open(self) -> None:
        """Start what records pictures beside the requests."""
        self._recorder.start()

    async def close(self) -> None:
        """Put and record what is pending."""
        if self._puts:
            await asyncio.wait(self._puts)
        await self._recorder.close()
        self._reading.close()
        self._putting.close()

    def find_in_memory(self, located: Located, target: Target) -> Derivative | None:
        """Return a picture of the store, made of this source, if it is in memory; otherwise None."""
        source = located.source
        place = self._places.find(located.root, source, target)
        if place is None:
            return None
        identity = _identify(source, target)
        pending = self._pending.get(place)
        if pending is not None and pending[0] == identity:
            return pending[1]
        return self._hot.find(place, identity)

    async def find(self, located: Located, target: Target) -> Derivative | None:
        """Return a picture if it is in the store, made of this source; otherwise None.

        A store or a ledger that cannot be read is logged, and counts as one without the picture.
        """
        found = self.find_in_memory(located, target)
        source = located.source
        place = self._places.find(located.root, source, target)
        if found is not None or place is None:
            return found
        identity = _identify(source, target)
        try:
            async with asyncio.timeout(self._patience):
                found = await self._find(place, source, identity, target.fingerprints)
        except TimeoutError:
            _LOG.warning("%s in the store cannot be used: no answer within %g s", place.path, self._patience)
            return None
        except (OSError, LedgerError) as error:
            _LOG.warning("%s in the store cannot be used: %s", place.path, describe(error))
            return None
        if found is not None:
            self._hot.add(place, identity, found)
        return found

    def keep(self, located: Located, target: Target, picture: Picture) -> None:
        """Put a picture into the store beside the requests, and record it.

        It is not kept if it has no place, if its source changed while it was made, or if too many are about to be put.
        """
        source, size = located.source, len(picture.data)
        place = self._places.find(located.root, source, target)
        if place is None or place in self._pending or picture.detail.changed_ns is not None:
            return
        if self._pending_bytes + size > _MAX_PENDING:
            _LOG.warning("%s is not kept: the store is too slow", place.path)
            return
        self._pending[place] = _identify(source, target), Derivative(picture.data, picture.media_type)
        self._pending_bytes += size
        put = self._put(place, source, target, picture)
        record = current_record()
        task = asyncio.ensure_future(self._report(put, size, None if record is None else record.context))
        self._puts.add(task)
        task.add_done_callback(self._puts.discard)

    async def _find(
        self, place: Place, source: Source, identity: Identity, fingerprints: RecipeFingerprints
    ) -> Derivative | None:
        """Return a picture from the store.

        Raises:
            OSError: the store cannot be read.
            LedgerError: the ledger cannot be read.
        """
        known = self._known.get(place)
        if known is not None and known.identity == identity:
            found = await self._read(place, known)
            if found is not None:
                return found
        info = await self._reading.call(self._stores.whole.stat, place.path)
        if info is None:
            return None
        output = await self._recorder.find(place, source, fingerprints, info)
        if output is None:
            return None
        known = _Known(identity, info, media_type(output))
        self._remember(place, known)
        return await self._read(place, known)

    async def _read(self, place: Place, known: _Known) -> Derivative | None:
        """Return a picture from the store; None if it is another one by now."""
        content = io.BytesIO()
        try:
            await self._reading.call(self._stores.whole.fetch, place.path, content, known.info)
        except (FileNotFoundError, ChangedError):
            self._known.pop(place, None)
            return None
        return Derivative(content.getvalue(), known.media_type)

    async def _report(self, put: Coroutine[Any, Any, str], size: int, context: TraceContext | None) -> None:
        started = time.time()
        error = await put
        self.on_put(Put(started, max(started, time.time()), size, context, error))

    async def _put(self, place: Place, source: Source, target: Target, picture: Picture) -> str:
        """Put a picture into the store, and have it recorded; return why it could not be put, or nothing."""
        options = PutOptions(content_type=picture.media_type)
        try:
            info = await self._putting.call(self._stores.whole.put, place.path, picture.data, options)
        except OSError as error:
            _LOG.warning("%s cannot be put into the store: %s", place.path, describe(error))
            return describe(error)
        finally:
            del self._pending[place]
            self._pending_bytes -= len(picture.data)
        self._remember(place, _Known(_identify(source, target), info, picture.media_type))
        ref = OutputRef(source, self._stores.whole.location(place.path), 0)
        outcome = Outcome(ref, picture.detail, picture.execution, picture.warnings)
        job = Job(source, (Output(place.key),))
        self._recorder.add(Made(place, job, outcome, info, target.fingerprints))
        return ""

    def _remember(self, place: Place, known: _Known) -> None:
        self._known[place] = known
        self._known.move_to_end(place)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)


def _identify(source: Source, target: Target) -> Identity:
    return source.relative, source.size, source.mtime_ns, source.etag, source.version, target.identity


def create_derivatives(settings: GatewaySettings, presets: Mapping[str, Recipe]) -> Derivatives | None:
    """Return the derivatives of a gateway; None if it keeps none.

    Args:
        settings: of the gateway.
        presets: recipes by name.

    Raises:
        UsageError: the store cannot be used.
    """
    if settings.derivatives.store is None:
        return None
    # Without signatures, anyone could fill the store otherwise.
    return Derivatives(
        settings.derivatives,
        presets,
        settings.stores,
        patience=settings.limits.timeout * _LOOK_UP,
        presets_only=settings.unsigned,
    )
