from typing import Any

import pytest
from hypothesis import strategies as st

from forkresize.formats import APPLIES_TO
from forkresize.recipe import (
    MAX_SIDE,
    Animation,
    Axis,
    Blur,
    Border,
    Color,
    Crop,
    Fit,
    Flip,
    Format,
    Gravity,
    Grayscale,
    IfLarger,
    Metadata,
    OnTruncated,
    Recipe,
    Rendition,
    Resample,
    Resize,
    Rotate,
    Sharpen,
    Size,
    Subsampling,
    Threshold,
    Trim,
    Watermark,
)

_DIRECTIONS = [gravity for gravity in Gravity if gravity not in {Gravity.ENTROPY, Gravity.ATTENTION}]


def _numbers(least: float, most: float) -> st.SearchStrategy[float]:
    return st.floats(least, most) | st.integers(int(least) + 1, int(most)) if most > 1 else st.floats(least, most)


def _some(required: dict[str, Any] | None = None, **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required or {}, optional=optional)


_places = {
    "gravity": st.sampled_from([None, *_DIRECTIONS]),
    "scale": _numbers(0.1, 100),
    "opacity": _numbers(0, 1),
    "margin": _numbers(0, 50),
}
# A watermark refuses NUL: no file name can hold it.
_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
_words = _texts.filter(str.strip)
_watermarks = st.builds(lambda fields: Watermark(**fields), _some({"image": _texts}, **_places)) | st.builds(
    lambda fields: Watermark(**fields), _some({"text": _words}, font=_texts, **_places)
)
_resizes = st.builds(
    Resize,
    fit=st.sampled_from(Fit),
    gravity=st.sampled_from(Gravity),
    focus=st.none() | st.tuples(_numbers(0, 1), _numbers(0, 1)),
    enlarge=st.booleans(),
    resample=st.sampled_from(Resample),
    linear=st.booleans(),
)
_sharpens = st.builds(
    Sharpen, radius=_numbers(0.1, 1000), percent=st.integers(1, 1000), threshold=st.integers(0, 255)
) | st.just(Sharpen())
_crops = st.builds(Crop, width=st.integers(1), height=st.integers(1), left=st.integers(0), top=st.integers(0)).filter(
    lambda crop: max(crop.width, crop.height, crop.left, crop.top) < 2**63
)
_steps = st.one_of(
    st.builds(Rotate, degrees=_numbers(-360, 360)),
    st.builds(Flip, axis=st.sampled_from(Axis)),
    _crops,
    st.builds(Trim, tolerance=st.integers(0, 255)) | st.just(Trim()),
    st.just(Grayscale()),
    st.builds(Threshold, level=st.integers(1, 255)),
    st.builds(Blur, radius=_numbers(0.1, 1000)),
    _sharpens,
    st.builds(Border, width=st.integers(1, 10_000)),
    _watermarks,
)
_sides = st.integers(1, MAX_SIDE)
_measures = st.one_of(
    st.just({}),
    _some(width=_sides, height=_sides),
    _some({"long_edge": _sides}),
    _some({"short_edge": _sides}),
    _some({"scale": st.tuples(_numbers(0.001, 10_000), _numbers(0.001, 10_000)) | st.just((50, 50.0))}),
    _some({"megapixels": _numbers(1e-6, 10_000)}),
)
_limits = _some(fit=st.sampled_from(Fit), enlarge=st.booleans(), shrink=st.booleans())
_sizes = st.builds(lambda measure, limits: Size(**measure, **limits), _measures, _limits)
_qualities = st.integers(1, 100) | st.dictionaries(
    st.sampled_from(["jpeg", "webp", "avif", "jxl"]), st.integers(1, 100)
)
_targets = st.one_of(
    st.just({}),
    st.just({"lossless": True}),
    _some({"max_bytes": st.integers(1, 10**15)}),
    _some({"ssim": _numbers(0.01, 0.9999)}),
)
_formats = st.one_of(
    _some(quality=_qualities, palette=st.integers(2, 256)),
    _some({"format": st.sampled_from(["png", "gif"])}, palette=st.integers(2, 256)),
    _some({"format": st.sampled_from(["webp", "avif", "jxl"])}, quality=st.integers(1, 100)),
    _some({"format": st.just("tiff")}),
)
_encodings = _some(progressive=st.booleans(), subsampling=st.sampled_from(Subsampling), effort=st.integers(1, 10))


def _meaningful(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what means nothing to the format that is asked for."""
    output = fields.get("format")
    return {name: value for name, value in fields.items() if output is None or output in APPLIES_TO.get(name, output)}


_jpegs = st.builds(
    lambda size, fields: Rendition(size=size, format=Format.JPEG, **fields),
    _sizes,
    _some(quality=st.integers(1, 100) | st.just({"jpeg": 30, "avif": 40}), progressive=st.booleans()),
)
_renditions = _jpegs | st.builds(
    lambda size, output, target, encoding: Rendition(size=size, **_meaningful({**output, **target, **encoding})),
    _sizes,
    _formats,
    _targets,
    _encodings,
)
_wide = _some(
    auto_orient=st.booleans(),
    color=st.sampled_from(Color),
    metadata=st.sampled_from(Metadata),
    drop=st.sampled_from([(), ("people",), ("place",), ("people", "place")]),
    background=st.tuples(*[st.integers(0, 255)] * 4),
    animation=st.sampled_from(Animation),
    on_truncated=st.sampled_from(OnTruncated),
    if_larger=st.sampled_from(IfLarger),
    max_pixels=st.integers(1, 10**12),
    max_frames=st.integers(1, 10**9),
    max_file_size=st.integers(1, 10**15),
)


def _recipe(fields: dict[str, Any], steps: list[Any], resize: tuple[Resize, int] | None, outputs: list[Any]) -> Recipe:
    if resize is not None:
        steps.insert(resize[1], resize[0])
    return Recipe(steps=tuple(steps), renditions=tuple(outputs), **fields)


@pytest.fixture(scope="session")
def recipes() -> st.SearchStrategy[Recipe]:
    """Recipes of all kinds: every step, rendition and field, in any order."""
    return st.builds(
        _recipe,
        _wide,
        st.lists(_steps, max_size=5),
        st.none() | st.tuples(_resizes | st.just(Resize()), st.integers(0, 5)),
        st.lists(_renditions, min_size=1, max_size=3),
    )
