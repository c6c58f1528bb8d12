"""Searches for a quality reach a number of bytes or a similarity."""

import io
import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from PIL import Image

from forkresize.image.analyze.color_ssim import color_similarity_to
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded
from forkresize.image.encode.encoder import Encoder
from forkresize.image.encode.targets import MEASURES, encode_to_similarity
from forkresize.image.errors import PictureError
from forkresize.image.picture import Frames
from forkresize.outcome import Reason
from forkresize.recipe import Rendition, SsimMetric

Scene = Callable[..., Image.Image]
Encode = Callable[..., Encoded]
Film = Callable[..., list[Image.Image]]


def opened(encoded: Encoded) -> Image.Image:
    return Image.open(io.BytesIO(encoded.data))


@pytest.mark.parametrize("output", ["jpeg", "webp", "avif"])
def test_a_limit_of_bytes_lowers_the_quality_as_little_as_it_can(output: str, scene: Scene, encoded: Encode) -> None:
    sizes = {quality: len(encoded(scene(), output, quality=quality).data) for quality in (30, 31, 70)}
    most = sizes[30] + 5
    made = encoded(scene(), output, quality=70, max_bytes=most)
    assert (made.size, len(made.data) <= most) == ((120, 80), True)
    assert made.quality is not None
    assert 30 <= made.quality < 70
    assert len(encoded(scene(), output, quality=made.quality).data) == len(made.data)
    assert len(encoded(scene(), output, quality=made.quality + 1).data) > most


def test_a_limit_that_is_met_anyway_changes_nothing(scene: Scene, encoded: Encode) -> None:
    assert encoded(scene(), "jpeg", max_bytes=10**6).data == encoded(scene(), "jpeg").data


@pytest.mark.parametrize(
    ("output", "quality"), [("jpeg", 20), ("webp", 20), ("png", None), ("gif", None), ("tiff", None)]
)
def test_the_size_is_reduced_if_quality_is_not_enough(
    output: str, quality: int | None, noise: Scene, encoded: Encode
) -> None:
    image = noise(size=(200, 100))
    most = 2500 if quality else 12_000
    made = encoded(image, output, max_bytes=most)
    assert 0.8 * most < len(made.data) <= most
    assert made.quality == quality
    assert made.size == opened(made).size
    assert 2 <= made.size[0] < 200
    assert made.size[0] / made.size[1] == pytest.approx(2, rel=0.05)


def test_a_quality_below_the_floor_is_not_raised_to_it(noise: Scene, encoded: Encode) -> None:
    made = encoded(noise(size=(200, 100)), "jpeg", quality=5, max_bytes=900)
    assert made.quality == 5
    assert made.size[0] < 200


def test_frames_become_smaller_together(film: Film, encoded: Encode) -> None:
    images = film(3, 5, "RGBA", (90, 60))
    whole = len(encoded(images, "gif", durations=(50,) * 5, loop=0).data)
    made = encoded(images, "gif", durations=(50,) * 5, loop=0, max_bytes=whole * 2 // 3)
    assert len(made.data) <= whole * 2 // 3
    assert opened(made).size == made.size
    assert made.size[0] < 90


@pytest.mark.parametrize("output", ["jpeg", "png"])
def test_a_limit_below_a_single_pixel_is_refused(output: str, scene: Scene, encoded: Encode) -> None:
    with pytest.raises(PictureError, match=f"a single pixel as {output} has more than 60 bytes") as raised:
        encoded(scene(), output, max_bytes=60)
    assert raised.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("output", ["jpeg", "webp", "avif"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("target", [0.88, 0.93])  # the colors of a WebP are never finer
@pytest.mark.parametrize("metric", SsimMetric)
def test_a_similarity_is_reached_with_the_lowest_quality(
    target: float, mode: str, output: str, metric: SsimMetric, scene: Scene, encoded: Encode
) -> None:
    made = encoded(scene(mode), output, ssim=target, ssim_metric=metric)
    measure = MEASURES[metric](scene(mode))
    assert made.ssim is not None
    assert made.quality is not None
    assert made.ssim >= target
    assert measure(opened(made)) == pytest.approx(made.ssim, abs=1e-6)
    lower = opened(encoded(scene(mode), output, quality=max(1, made.quality - 1)))
    assert made.quality == 1 or measure(lower) < target


def test_an_unreachable_ssim_causes_a_warning_with_the_reached_value(noise: Scene, encoded: Encode) -> None:
    diagnostics = Diagnostics()
    made = encoded(noise(), "webp", ssim=0.9999, diagnostics=diagnostics)
    assert re.fullmatch(r"the similarity is only 0\.\d{4} at quality 100, not 0\.9999", "".join(diagnostics.warnings))
    assert made.quality == 100
    assert made.ssim is not None
    assert made.ssim < 0.9999


@pytest.mark.slow
@pytest.mark.parametrize("output", ["webp", "avif"])
def test_the_first_frame_decides_for_an_animation(output: str, scene: Scene, encoded: Encode) -> None:
    images = [scene(size=(60, 40)).rotate(turn) for turn in range(0, 50, 10)]
    made = encoded(images, output, durations=(50,) * 5, loop=0, ssim=0.85)
    assert made.ssim is not None
    assert made.ssim >= 0.85
    assert color_similarity_to(images[0])(opened(made)) == pytest.approx(made.ssim, abs=1e-6)
    assert getattr(opened(made), "n_frames", 1) == 5


class WorseAtLength(Encoder, frozen=True):
    """Encodes more than a few frames at a lower quality than requested."""

    def encode(self, frames: Frames, quality: int | None) -> Encoded:
        worse = (quality or 0) - 10 if len(frames.images) > 4 else quality
        return replace(Encoder.encode(self, frames, worse), quality=quality)


def test_quality_rises_if_later_frames_make_the_first_worse(scene: Scene) -> None:
    images = tuple(scene(size=(60, 40)).rotate(turn) for turn in range(0, 50, 10))
    frames = Frames(images=images, durations=(50,) * 5, loop=0)
    rendition = Rendition(ssim=0.97, ssim_metric="luma")  # type: ignore[arg-type]
    qualities = [
        encode_to_similarity(0.97, kind(output="webp", rendition=rendition, embedded={}), frames).quality or 0
        for kind in (Encoder, WorseAtLength)
    ]
    assert qualities[1] == qualities[0] + 10


def test_ssim_is_ignored_by_formats_without_quality(scene: Scene, encoded: Encode) -> None:
    assert encoded(scene(), "png", ssim=0.9).ssim is None
