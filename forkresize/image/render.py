"""The pipeline of one picture: decode, the listed steps, encode, write. Knows no process and no terminal."""

import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter

from PIL.Image import DecompressionBombWarning

from forkresize.image import kernel
from forkresize.image.color import load_srgb, to_srgb
from forkresize.image.decode import decode, load_plugins
from forkresize.image.encode import encode
from forkresize.image.flatten import flatten
from forkresize.image.orient import orient
from forkresize.image.pad import pad
from forkresize.image.picture import Picture, PictureError
from forkresize.image.resize import resize
from forkresize.image.unpack import unpack
from forkresize.image.write import write
from forkresize.job import Job
from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written
from forkresize.recipe import Recipe

STEPS: tuple[Callable[[Picture, Recipe], Picture], ...] = (
    unpack,
    resize,
    orient,
    to_srgb,
    flatten,
    pad,
)
"""What is done to the pixels, in this order. A step that has nothing to do returns the picture as it is."""


def warm_up() -> None:
    """Load all that rendering needs, so that workers forked afterwards share it."""
    load_plugins()
    kernel.simd()
    load_srgb()


def render(job: Job, recipe: Recipe, tag: str) -> Outcome:
    """Make one picture.

    Args:
        job: the picture and the path of its output.
        recipe: what to make of it.
        tag: names the run; part of the temporary file's name.

    Returns:
        Written; Skipped if it is no picture; Failed for anything else. Nothing that a picture can cause is raised.
    """
    started = perf_counter()
    with _warnings_told() as told:
        outcome = _outcome(job, recipe, tag)
    return replace(
        outcome,
        destination=job.destination,
        seconds=perf_counter() - started,
        warnings=tuple(dict.fromkeys(str(warning.message) for warning in told)),
    )


@contextmanager
def _warnings_told() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        # Said at half of the limit that is set; the limit itself is an error.
        warnings.simplefilter("ignore", DecompressionBombWarning)
        yield told


def _outcome(job: Job, recipe: Recipe, tag: str) -> Outcome:
    try:
        return _written(job, recipe, tag)
    except PictureError as error:
        if error.reason is Reason.NOT_A_PICTURE:
            return Skipped(source=job.source, reason=error.reason, error=str(error))
        return Failed(source=job.source, reason=error.reason, error=str(error), fatal=error.fatal)
    except MemoryError:
        return Failed(source=job.source, reason=Reason.OUT_OF_MEMORY, error="there was not enough memory for it")
    except Exception as error:  # noqa: BLE001 -- one picture's trouble must not stop the others.
        return Failed(source=job.source, reason=Reason.INTERNAL, error=f"{type(error).__name__}: {error}")


def _written(job: Job, recipe: Recipe, tag: str) -> Written:
    started = perf_counter()
    picture = decode(job.source.path, recipe)
    decoded = perf_counter()
    for step in STEPS:
        picture = step(picture, recipe)
    resized = perf_counter()
    data = encode(picture, recipe)
    write(job, data, tag)
    return Written(
        source=job.source,
        out_bytes=len(data),
        in_size=picture.layout.source,
        out_size=picture.image.size,
        in_format=picture.format,
        out_format=picture.output,
        quality=recipe.quality_for(picture.output),
        decode_seconds=decoded - started,
        resize_seconds=resized - decoded,
        encode_seconds=perf_counter() - resized,
        peak_rss=_peak_rss(),
    )


def _peak_rss() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
