"""Pictures on demand, from the store or made, once for all who wait for one: OnDemand."""

from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any

from forkresize.gateway.derivatives.derivatives import Derivatives
from forkresize.gateway.derivatives.memory import Derivative
from forkresize.gateway.derivatives.places import Target
from forkresize.gateway.observation import note_cache
from forkresize.gateway.pictures import Picture, Pictures
from forkresize.gateway.roots import Located
from forkresize.gateway.single_flight import SingleFlight
from forkresize.recipe import Recipe


class OnDemand:
    """Answers requests for pictures, whichever URL they have. For one event loop.

    Args:
        pictures: makes them.
        derivatives: keeps them; None if there is no store.
    """

    def __init__(self, pictures: Pictures, derivatives: Derivatives | None) -> None:
        self._pictures = pictures
        self._derivatives = derivatives
        self._flights = SingleFlight[Derivative](partial(note_cache, "shared"))

    async def get(self, located: Located, target: Target, *, keep: bool = True) -> Derivative:
        """Return a picture from the store, or make it.

        Args:
            located: the source.
            target: what to make of it.
            keep: whether it is kept in the store if it was made.

        Raises:
            Problem: it cannot be made.
        """
        found = None if self._derivatives is None else self._derivatives.find_in_memory(located, target)
        if found is not None:
            note_cache("stored")
            return found
        return await self._once(located, target.identity, partial(self._find_or_make, located, target, keep=keep))

    async def make(self, located: Located, recipe: Recipe, name: Hashable) -> Derivative:
        """Return a picture that the store never has.

        Args:
            located: the source.
            recipe: what to make of it.
            name: identifies the recipe.

        Raises:
            Problem: it cannot be made.
        """
        return await self._once(located, name, partial(self._make, located, recipe))

    async def _once(
        self, located: Located, name: Hashable, work: Callable[[], Coroutine[Any, Any, Derivative]]
    ) -> Derivative:
        info = located.info
        version = info.size, info.mtime_ns, info.etag, info.version
        return await self._flights.run((located.root, located.key, version, name), work)

    async def _find_or_make(self, located: Located, target: Target, *, keep: bool) -> Derivative:
        found = None if self._derivatives is None else await self._derivatives.find(located, target)
        if found is not None:
            note_cache("stored")
            return found
        picture = await self._render(located, target.recipe)
        if keep and self._derivatives is not None:
            self._derivatives.keep(located, target, picture)
        return Derivative(picture.data, picture.media_type)

    async def _make(self, located: Located, recipe: Recipe) -> Derivative:
        picture = await self._render(located, recipe)
        return Derivative(picture.data, picture.media_type)

    async def _render(self, located: Located, recipe: Recipe) -> Picture:
        (picture,) = await self._pictures.render(located, recipe)
        return picture
