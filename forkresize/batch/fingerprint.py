"""What a run's outputs depend on but their sources, as fingerprints. Makes no output."""

import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from msgspec.structs import replace

from forkresize.formats import EXTRAS
from forkresize.image.versions import codecs
from forkresize.ledger import RecipeFingerprints
from forkresize.outcome import Reason
from forkresize.recipe import Recipe, Watermark

RENDER_VERSION = 1
"""It grows when the same recipe, with the same codecs, comes to other bytes than before."""


def fingerprint_recipe(recipe: Recipe, timeout: float | None, *, with_codecs: bool = True) -> RecipeFingerprints:
    """Return the fingerprints of a recipe's renditions.

    Args:
        recipe: what is made; the files it names are read.
        timeout: seconds a picture may take.
        with_codecs: whether a codec of another version makes another output.

    Raises:
        OSError: a watermark or a font can't be read.
    """
    common = [str(RENDER_VERSION), *_file_hashes(recipe), *(_codec_versions() if with_codecs else ())]
    renditions = [
        _digest(replace(recipe, renditions=(rendition,)).fingerprint(), *common) for rendition in recipe.renditions
    ]
    combined = _digest(recipe.fingerprint(), *common)
    return RecipeFingerprints(renditions=tuple(renditions), combined=combined, limits=_limits(recipe, timeout))


def _limits(recipe: Recipe, timeout: float | None) -> dict[str, float]:
    """Return the limits that a picture may run into, by what is said of it then; no limit is 0."""
    return {
        Reason.TOO_LARGE: recipe.max_pixels,
        Reason.TOO_MANY_FRAMES: recipe.max_frames,
        Reason.FILE_TOO_LARGE: recipe.max_file_size,
        Reason.TIMED_OUT: timeout or 0,
    }


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()


def _codec_versions() -> Iterator[str]:
    for name, version in codecs().items():
        # Which instructions the processor offers changes nothing that can be seen.
        yield f"{name} {version.partition(' (')[0]}"
    for package in EXTRAS.values():
        if find_spec(package.module) is not None:
            from importlib.metadata import version as version_of

            yield f"{package.distribution} {version_of(package.distribution)}"


def _file_hashes(recipe: Recipe) -> Iterator[str]:
    """Yield the hash of what each file holds that the recipe names."""
    for path in _referenced_files(recipe):
        with open(path, "rb") as file:
            yield hashlib.file_digest(file, "blake2b").hexdigest()


def _referenced_files(recipe: Recipe) -> Iterable[str]:
    steps = [step for step in recipe.steps if isinstance(step, Watermark)]
    return [path for step in steps for path in (step.image, step.font) if path is not None]
