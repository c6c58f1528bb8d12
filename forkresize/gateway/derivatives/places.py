"""Where a picture that was made belongs: Places."""

from collections.abc import Mapping

from msgspec import Struct

from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.job import Source
from forkresize.ledger import RecipeFingerprints
from forkresize.plan import Naming
from forkresize.recipe import Recipe

_KEYS = 16_384
"""Keys that are kept."""

_NO_FILES: Mapping[str, str] = {}


class Place(Struct, frozen=True):
    """Where a picture belongs.

    Attributes:
        folder: of the destination in the store, without a slash at its end.
        key: in the destination, as a batch names it.
    """

    folder: str
    key: str

    @property
    def path(self) -> str:
        """The key in the store."""
        return f"{self.folder}/{self.key}"


class Target(Struct, frozen=True):
    """What is made of sources, and what ledgers call it.

    Attributes:
        recipe: with one rendition.
        fingerprints: of the recipe, with files and codecs.
        name: of the recipe alone: its fingerprint.
        naming: gives the keys of outputs.
    """

    recipe: Recipe
    fingerprints: RecipeFingerprints
    name: str
    naming: Naming

    @classmethod
    def of(cls, recipe: Recipe, hashes: Mapping[str, str] = _NO_FILES) -> "Target":
        """Return the target of a recipe.

        Args:
            recipe: with one rendition.
            hashes: of the files that it names, by path.
        """
        return cls(recipe, fingerprint_recipe(recipe, None, hashes=hashes), recipe.fingerprint(), Naming(recipe))

    @property
    def identity(self) -> bytes:
        """Changes with all that an output depends on besides its source."""
        return self.fingerprints.renditions[0]


class Places:
    """Finds the places of pictures. Each root and recipe has a destination of its own, as a batch would fill it.

    A destination is called ``ROOT/PRESET`` if the recipe is that of a preset, and ``ROOT/FINGERPRINT`` otherwise.

    Args:
        presets: recipes by name.
        presets_only: whether other recipes have no place.
    """

    def __init__(self, presets: Mapping[str, Recipe], *, presets_only: bool) -> None:
        self._names = {recipe.fingerprint(): name for name, recipe in presets.items()}
        self._presets_only = presets_only
        self._keys: dict[tuple[str, str], str] = {}

    def find(self, root: str, source: Source, target: Target) -> Place | None:
        """Return the place of a picture; None if it has none.

        Args:
            root: the name of its root.
            source: in that root.
            target: what was made.
        """
        preset = self._names.get(target.name)
        if preset is None and self._presets_only:
            return None
        # Names are those of batches by default: they follow from the name of the source and the recipe alone.
        named = target.name, source.relative
        key = self._keys.get(named)
        if key is None:
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            key = self._keys[named] = target.naming.key_for(source)
        return Place(f"{root}/{preset or target.name}", key)


def destination_of(store: str, folder: str) -> str:
    """Return the destination of a folder in a store, as a batch knows it: a path, or a URL."""
    return f"{store.rstrip('/')}/{folder}"
