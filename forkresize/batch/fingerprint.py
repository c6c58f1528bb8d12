"""Fingerprints of recipes: what the bytes of outputs depend on, apart from their sources."""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec.structs import replace

from forkresize.formats import EXTRAS
from forkresize.hashing import blake2b
from forkresize.image.versions import libraries, resampler
from forkresize.ledger import MEMORY_REASONS, RecipeFingerprints
from forkresize.outcome import Reason
from forkresize.recipe import Recipe, Watermark

RENDER_VERSION = 6
"""Increase it when the same recipe with the same codecs produces other bytes than before."""

_NO_HASHES: Mapping[str, str] = {}


def fingerprint_recipe(
    recipe: Recipe,
    timeout: float | None,
    memory: float | None = None,
    *,
    with_codecs: bool = True,
    hashes: Mapping[str, str] = _NO_HASHES,
) -> RecipeFingerprints:
    """Return the fingerprints of a recipe's renditions.

    Args:
        recipe: the recipe.
        timeout: seconds that a picture may take.
        memory: bytes that rendering may use; None for no limit.
        with_codecs: whether the versions of codecs count.
        hashes: of files that the recipe names, by path; other files are read.

    Raises:
        OSError: a watermark or a font cannot be read.
    """
    common = [str(RENDER_VERSION), *_file_hashes(recipe, hashes), *(_codec_versions() if with_codecs else ())]
    combined = _digest(recipe.fingerprint(), *common)
    renditions = (
        [combined]
        if len(recipe.renditions) == 1
        else [
            _digest(replace(recipe, renditions=(rendition,)).fingerprint(), *common) for rendition in recipe.renditions
        ]
    )
    return RecipeFingerprints(renditions=tuple(renditions), combined=combined, limits=_limits(recipe, timeout, memory))


def renderer_versions() -> list[str]:
    """Return what the bytes of all outputs depend on: the version of the rendering, and those of codecs, with names."""
    return [f"rendering {RENDER_VERSION}", *_codec_versions()]


def _limits(recipe: Recipe, timeout: float | None, memory: float | None) -> dict[str, float]:
    """Return the limits of a run, by the reason of pictures that exceed them; 0 for no limit of time."""
    return {
        Reason.TOO_LARGE: recipe.max_pixels,
        Reason.TOO_MANY_FRAMES: recipe.max_frames,
        Reason.FILE_TOO_LARGE: recipe.max_file_size,
        Reason.TIMED_OUT: timeout or 0,
        **dict.fromkeys(MEMORY_REASONS, math.inf if memory is None else memory),
    }


def _digest(*parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=8).digest()


def _codec_versions() -> Iterator[str]:
    for name, version in libraries().items():
        yield f"{name} {version}"
    # Without the processor's instruction set, which does not change the output.
    yield f"resampling {resampler()}"
    yield from _extra_versions()


@cache
def _extra_versions() -> tuple[str, ...]:
    """Return the versions of extras; reading them takes a millisecond, and this process has loaded them."""
    extras = [each for each in EXTRAS.values() if each.changes_output and each.is_installed]
    return tuple(f"{each.distribution} {each.version}" for each in extras)


def _file_hashes(recipe: Recipe, hashes: Mapping[str, str]) -> Iterator[str]:
    """Yield the hashes of the files that the recipe names."""
    for path in referenced_files(recipe):
        if path in hashes:
            yield hashes[path]
            continue
        import hashlib

        with open(path, "rb") as file:
            yield hashlib.file_digest(file, "blake2b").hexdigest()


def hash_content(content: bytes) -> str:
    """Return the hash of the content of a file that a recipe names."""
    return blake2b(content).hexdigest()


def referenced_files(recipe: Recipe) -> Iterable[str]:
    """Return the paths of the files that a recipe names."""
    steps = [step for step in recipe.steps if isinstance(step, Watermark)]
    return [path for step in steps for path in (step.image, step.font) if path is not None]
