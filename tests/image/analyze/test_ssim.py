"""Similarity is what scikit-image says it is, or close, and falls the more a picture is spoiled."""

import io
import random
from collections.abc import Callable
from time import process_time

import pytest
from PIL import Image, ImageFilter

from forkresize.image.analyze.ssim import ssim

Scene = Callable[..., Image.Image]

SIZE = 240, 160

SPOILED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "brighter": lambda image: image.point(lambda level: min(255, level + 20)),
    "grain": lambda image: Image.blend(image, grain(7), 0.1),
    "blur": lambda image: image.filter(ImageFilter.BoxBlur(1)),
    "flat": lambda image: image.point(lambda level: 128 + (level - 128) // 4),
    "shifted": lambda image: image.transform(SIZE, Image.Transform.AFFINE, (1, 0, 1, 0, 1, 0)),
    "negative": lambda image: image.point(lambda level: 255 - level),
}

REFERENCE = {
    "brighter": 0.9826,
    "grain": 0.8902,
    "blur": 0.7084,
    "flat": 0.5421,
    "shifted": 0.5038,
    "negative": -0.5949,
}
"""What skimage.metrics.structural_similarity, with its defaults, says of them (0.26)."""


def grain(seed: int) -> Image.Image:
    return Image.frombytes("L", SIZE, random.Random(seed).randbytes(SIZE[0] * SIZE[1]))  # noqa: S311 (seeded on purpose)


def patches() -> Image.Image:
    small = Image.frombytes("L", (12, 8), random.Random(5).randbytes(96))  # noqa: S311 (seeded on purpose)
    return Image.blend(small.resize(SIZE, Image.Resampling.BICUBIC), grain(6), 0.15)


@pytest.mark.parametrize("how", SPOILED)
def test_the_similarity_is_close_to_scikit_image_s(how: str) -> None:
    assert ssim(patches(), SPOILED[how](patches())) == pytest.approx(REFERENCE[how], abs=0.04)


def test_degraded_pictures_have_scikit_image_s_order() -> None:
    values = [ssim(patches(), SPOILED[how](patches())) for how in ("brighter", "grain", "blur", "flat", "negative")]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 50), (8, 8), (9, 300), (241, 159)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_picture_is_equal_to_itself_at_any_size(mode: str, size: tuple[int, int], scene: Scene) -> None:
    image = scene(size=(300, 300)).resize(size).convert(mode)
    assert ssim(image, image.copy()) == pytest.approx(1, abs=1e-5)


def test_the_similarity_is_symmetric(scene: Scene) -> None:
    assert ssim(scene(), scene().rotate(1)) == pytest.approx(ssim(scene().rotate(1), scene()), abs=1e-6)


def test_transparent_pixels_do_not_count(scene: Scene) -> None:
    one, other = scene("RGBA"), scene("RGBA").rotate(180)
    one.putalpha(0)
    other.putalpha(0)
    assert ssim(one, other) == pytest.approx(1)
    one.putalpha(255)
    assert ssim(one, other) < 0.9


def test_the_similarity_falls_with_the_quality_of_a_jpeg(scene: Scene) -> None:
    values = []
    for quality in (5, 20, 50, 90):
        file = io.BytesIO()
        scene().save(file, "JPEG", quality=quality)
        values.append(ssim(scene(), Image.open(file)))
    assert values == sorted(values)


def test_a_common_size_is_fast(scene: Scene) -> None:
    one, other = scene(size=(800, 600)), scene(size=(800, 600)).rotate(1)
    ssim(one, other)
    started = process_time()
    for _ in range(5):
        ssim(one, other)
    assert (process_time() - started) / 5 < 0.1
