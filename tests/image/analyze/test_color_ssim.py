"""The similarity that sees color: what it measures, and that it orders pictures as SSIMULACRA2 does."""

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops, ImageFilter

from forkresize.image.analyze.color_ssim import color_similarity_to
from forkresize.image.analyze.ssim import ssim

Scene = Callable[..., Image.Image]


def similarity(one: Image.Image, other: Image.Image) -> float:
    return color_similarity_to(one)(other)


def with_other_colors(image: Image.Image, angle: int) -> Image.Image:
    """Turn the hue of all colors, and keep their luma."""
    luma, blue, red = image.convert("YCbCr").split()
    turned = ImageChops.invert(blue) if angle == 180 else red
    other = ImageChops.invert(red) if angle == 180 else blue
    return Image.merge("YCbCr", (luma, turned, other)).convert("RGB")


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 50), (8, 8), (9, 300), (241, 159)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_picture_is_equal_to_itself_at_any_size(mode: str, size: tuple[int, int], scene: Scene) -> None:
    image = scene(size=(300, 300)).resize(size).convert(mode)
    assert similarity(image, image.copy()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("angle", [90, 180])
def test_wrong_colors_are_seen_that_the_luma_does_not_show(angle: int, scene: Scene) -> None:
    image = scene(size=(240, 160)).filter(ImageFilter.GaussianBlur(3))
    # Pale colors, so that none leaves the range of RGB and changes its luma.
    pale = Image.blend(image.convert("L").convert("RGB"), image, 0.15)
    wrong = with_other_colors(pale, angle)
    assert ssim(pale, wrong) > 0.99
    assert similarity(pale, wrong) < 0.97


def test_coarse_colors_of_a_jpeg_are_seen(scene: Scene) -> None:
    image = scene(size=(240, 160))

    def encode(subsampling: str) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=95, subsampling=subsampling)
        return Image.open(file)

    fine, coarse = encode("4:4:4"), encode("4:2:0")
    lost_by_luma = ssim(image, fine) - ssim(image, coarse)
    assert similarity(image, fine) - similarity(image, coarse) > 3 * lost_by_luma


@pytest.mark.parametrize("output", ["JPEG", "WEBP", "AVIF"])
def test_more_quality_is_more_similar(output: str, scene: Scene, noise: Scene) -> None:
    image = Image.blend(scene(size=(240, 160)), noise(size=(240, 160)), 0.1)
    values = []
    for quality in (10, 40, 70, 90):
        file = io.BytesIO()
        image.save(file, output, quality=quality)
        values.append(similarity(image, Image.open(file)))
    assert values == sorted(values)
    assert 0.5 < values[0] < values[-1] < 1


def test_colors_of_transparent_pixels_do_not_count(scene: Scene) -> None:
    image = scene("RGBA", size=(64, 48))
    image.putalpha(0)
    other = Image.new("RGBA", image.size, (255, 0, 0, 0))
    assert similarity(image, other) == pytest.approx(1, abs=1e-3)
