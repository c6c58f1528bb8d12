"""The two kernels agree with each other, and colors count as much as they are opaque."""

import math
import sys
from collections.abc import Callable, Iterator

import pytest
from PIL import Image, ImageChops, ImageMath, ImageStat

from forkresize.image import kernel
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


def pillow(image: Image.Image, size: tuple[int, int], resample: Resample) -> Image.Image:
    left, top, width, height = BOX
    return image.resize(size, Image.Resampling[resample.upper()], (left, top, left + width, top + height))


def decibels(one: Image.Image, other: Image.Image) -> float:
    """Return the peak signal-to-noise ratio; one level off everywhere is 48."""
    squares = [rms**2 for rms in ImageStat.Stat(ImageChops.difference(one, other)).rms]
    return 10 * math.log10(255**2 * len(squares) / (sum(squares) or 1e-9))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", Resample)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK"])
def test_all_kernels_give_what_pillow_gives(mode: str, resample: Resample, size: tuple[int, int], scene: Scene) -> None:
    image = scene(mode)
    ours = kernel.resampled(image, size, BOX, resample)
    assert (ours.mode, ours.size) == (mode, size)
    assert decibels(ours, pillow(image, size, resample)) > 48


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", Resample)
@pytest.mark.parametrize("mode", ["I;16", "F", "I"])
def test_deep_pixels_keep_their_depth(mode: str, resample: Resample, size: tuple[int, int], scene: Scene) -> None:
    image = scene("I;16").convert("I").convert(mode)
    ours = kernel.resampled(image, size, BOX, resample)
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
def test_without_simd_pillow_does_it_all(mode: str, scene: Scene) -> None:
    image = scene(mode)
    assert not kernel.is_regular(mode, Resample.LANCZOS)
    ours = kernel.resampled(image, (40, 31), BOX, Resample.LANCZOS)
    assert ours.tobytes() == pillow(image, (40, 31), Resample.LANCZOS).tobytes()
    assert codecs()["resampling"] == "Pillow"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L"])
def test_going_along_the_rows_first_is_the_same_thing_turned(mode: str, noise: Scene) -> None:
    image = noise(mode)
    turned = image.transpose(Image.Transpose.TRANSPOSE)
    columns_first = kernel.resampled(image, (30, 20), (1.5, 2.5, 90, 50), Resample.LANCZOS)
    rows_first = kernel.resampled(turned, (20, 30), (2.5, 1.5, 50, 90), Resample.LANCZOS, rows_first=True)
    assert rows_first.transpose(Image.Transpose.TRANSPOSE).tobytes() == columns_first.tobytes()


@pytest.mark.parametrize("resample", [word for word in Resample if word is not Resample.NEAREST])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_hidden_does_not_bleed_into_the_edges(mode: str, resample: Resample) -> None:
    image = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (30, 30, 70, 70))
    resized = kernel.resampled(image.convert(mode), (33, 33), (0, 0, 100, 100), resample).convert("RGBA")
    black = Image.new("RGBA", resized.size, "black")
    assert Image.alpha_composite(black, resized).convert("L").getextrema() == (0, 0)
