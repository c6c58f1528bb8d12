"""Results of optimized ways against full decoding and Pillow's Lanczos."""

import io
import sys
from collections.abc import Callable, Iterator
from math import log10
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from forkresize.image.resample import kernel
from forkresize.outcome import Outcome, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Results = Callable[..., list[Outcome]]
Profile = Callable[..., bytes]

SIZE = 1200, 900
WIDTHS = 60, 120, 180, 240, 300
STILL = {"format": "png", "metadata": "none"}

TRANSPOSED = {
    1: (),
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
"""From stored to upright, by EXIF's number."""


@pytest.fixture(params=["SIMD", "Pillow"])
def resampler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With the SIMD kernel where it is installed, and as where there is no wheel of it."""
    if request.param == "Pillow":
        monkeypatch.setitem(sys.modules, "cykooz_resizer", None)
    kernel.simd.cache_clear()
    yield
    kernel.simd.cache_clear()


def psnr(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    squares = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).sum2
    error = fmean(squares) / (one.width * one.height)
    return 10 * log10(255**2 / error) if error else 99.0


def farthest(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return max(band.getextrema()[1] for band in ImageChops.difference(one, other).split())  # type: ignore[return-value]


def photograph(scene: Scene, noise: Scene) -> Image.Image:
    """Return a scene with detail down to a few pixels, as a lens leaves it."""
    image = scene(size=SIZE)
    for across, share in ((40, 0.2), (160, 0.15), (500, 0.1)):
        grain = noise(size=(across, across * 3 // 4), seed=across)
        image = Image.blend(image, grain.resize(SIZE, Image.Resampling.BICUBIC), share)
    return image


def jpeg(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92, **options)
    return file.getvalue()


def by_pillow(data: bytes, width: int) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        height = (2 * image.height * width + image.width) // (2 * image.width)
        return image.resize((width, height), Image.Resampling.LANCZOS)


@pytest.mark.slow
@pytest.mark.parametrize("width", [70, 140, 155, 290, 310, 600, 1100])
@pytest.mark.usefixtures("resampler")
def test_a_photograph_looks_as_if_decoded_in_full_and_resized_by_pillow(
    width: int, scene: Scene, noise: Scene, make: Make
) -> None:
    data = jpeg(photograph(scene, noise))
    assert psnr(make(data, "a.jpg", width=width, **STILL), by_pillow(data, width)) >= 48


@pytest.mark.usefixtures("resampler")
def test_colors_match_littlecms(scene: Scene, noise: Scene, rgb_profile: Profile, make: Make) -> None:
    profile = rgb_profile()
    data = jpeg(photograph(scene, noise), icc_profile=profile)
    expected = ImageCms.profileToProfile(
        by_pillow(data, 300),
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
    )
    assert expected is not None
    made = make(data, "a.jpg", width=300, **STILL)
    assert psnr(made, expected) >= 45
    assert psnr(made, by_pillow(data, 300)) < 35


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_several_widths_look_like_single_ones(
    suffix: str, scene: Scene, noise: Scene, results: Results, make: Make
) -> None:
    data = jpeg(photograph(scene, noise)) if suffix == "jpg" else photograph(scene, noise)
    for made in results(data, f"a.{suffix}", width=WIDTHS, **STILL):
        assert isinstance(made.detail, Written)
        assert made.destination is not None
        with Image.open(made.destination) as together:
            assert psnr(make(data, f"alone.{suffix}", width=made.detail.out_size[0], **STILL), together) >= 48


@pytest.mark.slow
def test_wide_renditions_are_made_from_the_source(scene: Scene, noise: Scene, results: Results, make: Make) -> None:
    picture = photograph(scene, noise)
    for made in results(picture, width=[300, 240, 160], **STILL):
        assert isinstance(made.detail, Written)
        assert made.destination is not None
        with Image.open(made.destination) as together:
            assert make(picture, "alone.png", width=made.detail.out_size[0], **STILL).tobytes() == together.tobytes()


@pytest.mark.parametrize("orientation", TRANSPOSED)
def test_a_photograph_reduced_while_decoding_is_the_same_in_every_orientation(
    orientation: int, scene: Scene, noise: Scene, make: Make
) -> None:
    picture, exif = photograph(scene, noise), Image.Exif()
    exif[0x0112] = orientation
    expected = make(jpeg(picture), "a.jpg", long_edge=150, **STILL)
    for method in TRANSPOSED[orientation]:
        expected = expected.transpose(method)
    made = make(jpeg(picture, exif=exif), "b.jpg", long_edge=150, **STILL)
    # Rows are resampled before columns, as seen upright; the other way round, pixels are rounded otherwise in between.
    assert farthest(made, expected) <= (0 if made.width > made.height else 1)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [{"width": 300}, {"width": 200, "height": 200, "fit": "cover"}])
@pytest.mark.parametrize("output", ["png", "webp", "tiff"])
def test_a_lossless_result_comes_out_of_a_second_run_as_it_went_in(
    output: str, recipe: dict[str, Any], scene: Scene, noise: Scene, make: Make, tmp_path: Path
) -> None:
    recipe = {**recipe, "format": output, "lossless": True}
    once = make(jpeg(photograph(scene, noise)), "a.jpg", **recipe)
    (tmp_path / "out" / "a.jpg").replace(tmp_path / "again")
    assert make(tmp_path / "again", **recipe).tobytes() == once.tobytes()
