"""The two kernels agree with each other, and colors count as much as they are opaque."""

import random
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageMath

from forkresize.image.resample import kernel
from forkresize.image.versions import codecs
from forkresize.recipe import Resample

Scene = Callable[..., Image.Image]

BOX = 3.25, 2.5, 100.5, 70.75
SIZES = [(40, 31), (210, 150)]


@pytest.fixture
def without_simd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where there is no wheel of it."""
    monkeypatch.setitem(sys.modules, "cykooz_resizer", None)
    kernel.simd.cache_clear()
    yield
    kernel.simd.cache_clear()


def pillow(image: Image.Image, size: tuple[int, int], resample: Resample, box: kernel.Box = BOX) -> Image.Image:
    """Resize by Pillow, along the rows first; left to itself it goes along the axis that leaves fewer pixels."""
    left, top, width, height = box
    method = Image.Resampling[resample.upper()]
    if resample is Resample.NEAREST:
        return image.resize(size, method, (left, top, left + width, top + height))
    rows = image.convert({"RGBA": "RGBa", "LA": "La"}.get(image.mode, image.mode))
    rows = rows.resize((size[0], image.height), method, (left, 0, left + width, image.height))
    return rows.resize(size, method, (0, top, size[0], top + height)).convert(image.mode)


def farthest(one: Image.Image, other: Image.Image) -> int:
    bands = ImageChops.difference(one, other).split()
    return max(band.getextrema()[1] for band in bands)  # type: ignore[return-value]


def laid_on(background: str | tuple[int, int, int], image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, background), image.convert("RGBA")).convert("RGB")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", Resample)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_all_kernels_match_pillow(mode: str, resample: Resample, size: tuple[int, int], scene: Scene) -> None:
    image = scene(mode)
    ours = kernel.resample(image, size, BOX, resample)
    assert (ours.mode, ours.size) == (mode, size)
    assert farthest(ours, pillow(image, size, resample)) <= (1 if size < image.size else 2)


@pytest.mark.parametrize("background", ["black", "white", (255, 90, 0)])
@pytest.mark.parametrize("resample", Resample)
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_translucent_pixels_match_pillow(
    mode: str, resample: Resample, background: str | tuple[int, int, int], scene: Scene
) -> None:
    image = scene(mode)
    for size in SIZES:
        ours, most = kernel.resample(image, size, BOX, resample), 2 if size < image.size else 3
        assert (ours.mode, ours.size) == (mode, size)
        assert farthest(laid_on(background, ours), laid_on(background, pillow(image, size, resample))) <= most


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.integers(0, 1000),
    st.sampled_from([Resample.BILINEAR, Resample.BOX, Resample.HAMMING]),
    st.tuples(*[st.integers(0, 255)] * 3),
    st.tuples(st.integers(4, 90), st.integers(4, 70)),
)
def test_a_translucent_edge_looks_as_if_composited_before_resizing(
    seed: int, resample: Resample, background: tuple[int, int, int], size: tuple[int, int]
) -> None:
    image = cutout(seed)
    ours = exactly_laid_on(background, kernel.resample(image, size, (0, 0, 90, 70), resample))
    for made, laid in zip(ours, exactly_laid_on(background, image), strict=True):
        exact = laid.resize(size, Image.Resampling[resample.upper()])
        least, most = ImageMath.lambda_eval(lambda of: of["made"] - of["exact"], made=made, exact=exact).getextrema()
        # Two levels, once rounded to whole ones.
        assert -2.5 < least <= most < 2.5


def exactly_laid_on(background: tuple[int, int, int], image: Image.Image) -> list[Image.Image]:
    *colors, alpha = (band.convert("F") for band in image.split())
    hidden = alpha.point(lambda level: level * -1 + 255)
    return [
        ImageMath.lambda_eval(
            lambda of: (of["color"] * of["alpha"] + of["hidden"] * of["level"]) / 255,
            color=color,
            alpha=alpha,
            hidden=hidden,
            level=Image.new("F", image.size, level),
        )
        for color, level in zip(colors, background, strict=True)
    ]


def cutout(seed: int) -> Image.Image:
    """Return a picture of smooth patches cut out along an ellipse, with an edge one pixel wide."""
    chance = random.Random(seed)  # noqa: S311 (seeded on purpose)
    image = Image.frombytes("RGB", (5, 4), chance.randbytes(60)).resize((90, 70), Image.Resampling.BICUBIC)
    mask = Image.new("L", (360, 280))
    ImageDraw.Draw(mask).ellipse(
        (chance.randrange(150), chance.randrange(120), 200 + chance.randrange(150), 160 + chance.randrange(110)),
        fill=255,
    )
    image.putalpha(mask.resize((90, 70), Image.Resampling.BOX))
    return image


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", Resample)
@pytest.mark.parametrize("mode", ["I;16", "F", "I"])
def test_deep_pixels_keep_their_depth(mode: str, resample: Resample, size: tuple[int, int], scene: Scene) -> None:
    image = scene("I;16").convert("I").convert(mode)
    ours = kernel.resample(image, size, BOX, resample)
    assert (ours.mode, ours.size) == (mode, size)
    apart = ImageMath.lambda_eval(
        lambda images: images["ours"] - images["pillow"],
        ours=ours.convert("F"),
        pillow=pillow(image, size, resample).convert("F"),
    )
    least, most = apart.getextrema()
    assert -1 <= least <= most <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L"])
@pytest.mark.usefixtures("without_simd")
def test_without_simd_pillow_resamples(mode: str, scene: Scene) -> None:
    image = scene(mode)
    assert not kernel.is_mirror_exact(mode, Resample.LANCZOS)
    ours = kernel.resample(image, (40, 31), BOX, Resample.LANCZOS)
    assert ours.tobytes() == pillow(image, (40, 31), Resample.LANCZOS).tobytes()
    assert codecs()["resampling"] == "Pillow"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L"])
def test_columns_first_is_the_transposed_result(mode: str, noise: Scene) -> None:
    image = noise(mode)
    turned = image.transpose(Image.Transpose.TRANSPOSE)
    for (across, down), (left, top, width, height) in (((30, 20), (1.5, 2.5, 90, 50)), ((31, 9), (40, 30.5, 31, 9))):
        rows_first = kernel.resample(image, (across, down), (left, top, width, height), Resample.LANCZOS)
        columns_first = kernel.resample(
            turned, (down, across), (top, left, height, width), Resample.LANCZOS, rows_first=False
        )
        assert columns_first.transpose(Image.Transpose.TRANSPOSE).tobytes() == rows_first.tobytes()


@pytest.mark.parametrize("resample", Resample)
def test_rows_outside_of_the_kernel_do_not_matter(resample: Resample, noise: Scene) -> None:
    image = noise("RGB", (40, 400))
    box = 3.5, 180.25, 30, 40.5
    for size in ((10, 9), (60, 80)):
        assert farthest(kernel.resample(image, size, box, resample), pillow(image, size, resample, box)) <= 1


@pytest.mark.parametrize("resample", [word for word in Resample if word is not Resample.NEAREST])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_hidden_colors_do_not_bleed_into_edges(mode: str, resample: Resample) -> None:
    image = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (30, 30, 70, 70))
    resized = kernel.resample(image.convert(mode), (33, 33), (0, 0, 100, 100), resample).convert("RGBA")
    black = Image.new("RGBA", resized.size, "black")
    assert Image.alpha_composite(black, resized).convert("L").getextrema() == (0, 0)
