"""Any options on any picture give an output of the predicted size, or a reason."""

import io
import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from forkresize.batch.render_job import preload, render_job
from forkresize.errors import FieldError
from forkresize.image.geometry.layout import layout
from forkresize.image.geometry.region import Dimensions
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written
from forkresize.recipe import Animation, Border, Crop, Fit, Format, Recipe, Rendition, Rotate, Step, Trim
from forkresize.store import LocalStore

pytestmark = pytest.mark.slow

Scene = Callable[..., Image.Image]

SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6

KINDS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "RGB JPEG": ("JPEG", "RGB", {}),
    "sideways JPEG": ("JPEG", "RGB", {"exif": SIDEWAYS}),
    "gray JPEG": ("JPEG", "L", {}),
    "CMYK JPEG": ("JPEG", "CMYK", {}),
    "RGBA PNG": ("PNG", "RGBA", {}),
    "gray PNG with alpha": ("PNG", "LA", {}),
    "palette PNG": ("PNG", "P", {"transparency": 0}),
    "1-bit PNG": ("PNG", "1", {}),
    "16-bit PNG": ("PNG", "I;16", {}),
    "float TIFF": ("TIFF", "F", {}),
    "LAB TIFF": ("TIFF", "LAB", {}),
    "CMYK TIFF": ("TIFF", "CMYK", {}),
    "translucent WebP": ("WEBP", "RGBA", {}),
    "translucent AVIF": ("AVIF", "RGBA", {}),
    "JPEG 2000": ("JPEG2000", "RGBA", {}),
    "BMP": ("BMP", "RGB", {}),
    "animated GIF": ("GIF", "RGBA", {"save_all": True, "duration": 50}),
    "animated PNG": ("PNG", "RGBA", {"save_all": True, "duration": 50}),
    "animated WebP": ("WEBP", "RGBA", {"save_all": True, "duration": 50}),
    "pages": ("TIFF", "RGB", {"save_all": True}),
}

ANIMATED = {"GIF", "PNG", "WEBP", "AVIF"}

REASONS = {Reason.NOT_APPLICABLE, Reason.UNSUPPORTED}
"""Why a sound picture may not be made: it lies outside of a crop, or the output can't hold it."""

SIZES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"width": st.integers(1, 120)}, optional={"height": st.integers(1, 120)}),
    st.fixed_dictionaries({"size": st.sampled_from(["50%", "33x21!", "30x30^", "90x90<", "64x64>", "x20"])}),
    st.fixed_dictionaries({"long_edge": st.integers(1, 120)}),
    st.fixed_dictionaries({"megapixels": st.sampled_from([0.000001, 0.002, 0.01])}),
)

OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "fit": st.sampled_from(Fit),
        "gravity": st.sampled_from(["south-east", "entropy", "attention"]),
        "focus": st.just((0.9, 0.1)),
        "enlarge": st.booleans(),
        "resample": st.sampled_from(["nearest", "box"]),
        "linear": st.booleans(),
        "auto_orient": st.booleans(),
        "rotate": st.sampled_from([90, -180, 15, -33.3]),
        "flip": st.sampled_from("hv"),
        "crop": st.sampled_from(["20x15+5+5", "500x500", "1x1", "9x9+900+0"]),
        "trim": st.booleans(),
        "grayscale": st.booleans(),
        "threshold": st.integers(1, 255),
        "blur": st.sampled_from([0.5, 20]),
        "sharpen": st.sampled_from(["auto", "3,200,0"]),
        "border": st.integers(1, 5),
        "background": st.sampled_from([(0, 0, 0, 255), (20, 40, 90, 255), (0, 0, 0, 0), (255, 0, 0, 100)]),
        "watermark_text": st.sampled_from(["Ab", "A\nb"]),
        "color": st.sampled_from(["srgb", "keep"]),
        "metadata": st.sampled_from(["all", "copyright", "none"]),
        "animation": st.sampled_from(Animation),
        "if_larger": st.sampled_from(["write", "keep-original"]),
    },
)

OUTPUTS = st.fixed_dictionaries(
    {"format": st.sampled_from([None, *Format, ("webp", "png")])},
    optional={
        "lossless": st.booleans(),
        "progressive": st.booleans(),
        "subsampling": st.sampled_from(["444", "422"]),
        "effort": st.sampled_from([1, 2]),
        "palette": st.sampled_from([2, 100]),
        "max_bytes": st.sampled_from([500, 5000]),
        "ssim": st.just(0.9),
    },
)


@pytest.fixture
def pictures(scene: Scene) -> Mapping[tuple[str, Dimensions], bytes]:
    """The bytes of every kind of picture, in several sizes."""
    return {
        (kind, size): encoded(scene, kind, size) for kind in KINDS for size in [(60, 40), (41, 67), (1, 1), (1, 300)]
    }


def encoded(scene: Scene, kind: str, size: Dimensions) -> bytes:
    name, mode, options = KINDS[kind]
    file = io.BytesIO()
    image = in_mode(scene, mode, size)
    more = {"append_images": [image.transpose(Image.Transpose.ROTATE_180)]} if "save_all" in options else {}
    image.save(file, name, **options, **more)
    return file.getvalue()


def in_mode(scene: Scene, mode: str, size: Dimensions) -> Image.Image:
    if max(size) // min(size) > 9 or max(size) == 1:
        image = Image.linear_gradient("L").resize(size)
        return image.convert("I").convert("I;16") if mode == "I;16" else converted(image.convert("RGB"), mode)
    return converted(scene(mode if mode in {"RGBA", "LA", "I;16"} else "RGB", size), mode)


def converted(image: Image.Image, mode: str) -> Image.Image:
    if mode == "LAB":
        return Image.merge("LAB", image.split())
    return image.convert(mode) if image.mode != mode else image


def makes_sense(options: dict[str, Any]) -> bool:
    try:
        Recipe.from_options(options, effective=())
    except FieldError:
        return False
    return True


ASKED = st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, SIZES, OPERATIONS, OUTPUTS).filter(makes_sense)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), options=ASKED)
def test_every_combination_gives_the_predicted_picture_or_a_reason(
    data: st.DataObject, options: dict[str, Any], pictures: Mapping[tuple[str, Dimensions], bytes], tmp_path: Path
) -> None:
    recipe = Recipe.from_options(options, effective=())
    key = data.draw(st.sampled_from(sorted(pictures)))
    source = tmp_path / "source"
    source.write_bytes(pictures[key])
    preload(recipe)
    outputs = tuple(Output(str(tmp_path / str(number)), number) for number in range(len(recipe.renditions)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcomes = render_job(Job(Source(str(source), "source"), outputs), recipe, LocalStore("", "test"))
    for outcome in outcomes:
        event(outcome.status)
        check(outcome, recipe, source)


def check(outcome: Outcome, recipe: Recipe, source: Path) -> None:
    if isinstance(outcome.detail, Failed):
        assert outcome.reason in REASONS, outcome
    elif not isinstance(outcome.detail, Skipped):
        assert isinstance(outcome.detail, Written)
        check_size(outcome.detail, recipe, recipe.renditions[outcome.rendition])
        check_file(outcome, outcome.detail, source, recipe)


def check_size(written: Written, recipe: Recipe, rendition: Rendition) -> None:
    """Restate what steps do to a size, for steps that do not depend on the pixels."""
    size: Dimensions | None = written.in_size
    for step in recipe.steps_before_resize:
        size = size and size_after(step, size)
    if size is None or rendition.max_bytes:
        return
    width, height = layout(size, rendition.size, recipe.resize).canvas
    frame = 2 * sum(step.width for step in recipe.steps_after_resize if isinstance(step, Border))
    assert written.out_size == (width + frame, height + frame)


def size_after(step: Step, size: Dimensions) -> Dimensions | None:
    width, height = size
    if isinstance(step, Rotate):
        turn = math.radians(step.degrees)
        across, down = abs(math.cos(turn)), abs(math.sin(turn))
        return max(1, math.floor(width * across + height * down + 0.5)), max(
            1, math.floor(width * down + height * across + 0.5)
        )
    if isinstance(step, Crop):
        return min(step.width, width - step.left), min(step.height, height - step.top)
    return None if isinstance(step, Trim) else size


def check_file(outcome: Outcome, written: Written, source: Path, recipe: Recipe) -> None:
    with Image.open(str(outcome.destination)) as made, Image.open(source) as original:
        frames = [frame.copy() for frame in ImageSequence.Iterator(made)]
        assert made.size == written.out_size
        assert str(made.format).lower() == written.out_format
        assert made.getexif().get(0x0112, 1) == 1
        before = getattr(original, "n_frames", 1)
        keeps = made.format == original.format == "TIFF" or {made.format, original.format} <= ANIMATED
    is_warned = any("was kept" in warning for warning in outcome.warnings)
    assert is_warned == (before > 1 and not keeps and recipe.animation is Animation.KEEP)
    if recipe.animation is Animation.FIRST or not keeps:
        assert len(frames) == 1
    elif len({frame.convert("RGBA").tobytes() for frame in frames}) > 1:
        assert len(frames) == before
