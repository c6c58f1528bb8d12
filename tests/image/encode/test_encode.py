"""Encoded files have the requested properties."""

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat, JpegImagePlugin

from forkresize.formats import OUTPUT_FORMATS, EncodeRequest
from forkresize.formats.jpeg import mozjpeg
from forkresize.formats.jpegli import jpegli
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded
from forkresize.image.errors import PictureError
from forkresize.outcome import Reason
from forkresize.recipe import Format

Scene = Callable[..., Image.Image]
Encode = Callable[..., Encoded]
Make = Callable[..., Image.Image]

DEEP = {"LA;16", "RGB;16", "RGBA;16"}
"""The modes that Pillow lacks, which ``tests/image/test_deep.py`` tests."""

LOSSLESS = sorted(set(OUTPUT_FORMATS) - {"jpeg", "webp", "avif", "jxl", "gif"})


def pairs(outputs: list[str]) -> list[tuple[str, str]]:
    return [(output, mode) for output in outputs for mode in sorted(OUTPUT_FORMATS[output].modes - DEEP)]


def drawn(mode: str, scene: Scene) -> Image.Image:
    return scene("I;16").convert("I").convert(mode) if mode in {"I;16", "I", "F"} else scene(mode)


@pytest.mark.parametrize(("output", "mode"), pairs(LOSSLESS))
def test_every_mode_that_a_format_declares_is_stored_without_loss(
    output: str, mode: str, scene: Scene, opened: Make
) -> None:
    image = drawn(mode, scene)
    written = opened(image, output)
    assert (written.format, written.size) == (output.upper(), image.size)
    if mode == "I;16":
        assert written.convert("I").tobytes() == image.convert("I").tobytes()
    else:
        assert written.mode == mode
        assert written.tobytes() == image.tobytes()


@pytest.mark.parametrize("output", Format)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_format_accepts_every_convertible_mode(mode: str, output: Format, scene: Scene, encoded: Encode) -> None:
    if output == Format.JPEG and "A" in mode:
        return
    made = encoded(scene(mode), output)
    assert made.size == (120, 80)
    assert made.quality == {"jpeg": 80, "webp": 85, "avif": 65, "jxl": 77}.get(output)
    assert made.ssim is None


@pytest.mark.parametrize("output", ["png", "webp", "tiff"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_lossless_has_no_visible_loss(mode: str, output: str, scene: Scene, opened: Make) -> None:
    assert opened(scene(mode), output, lossless=True).convert("RGBa").tobytes() == scene(mode).convert("RGBa").tobytes()


def test_lossless_avif_is_exact_in_gray_and_warns_in_color(scene: Scene, opened: Make) -> None:
    assert opened(scene("L"), "avif", lossless=True).tobytes() == scene("L").tobytes()
    diagnostics = Diagnostics()
    made = opened(scene(), "avif", lossless=True, diagnostics=diagnostics)
    assert "levels may be off by up to 3" in diagnostics.warnings[0]
    assert max(ImageChops.difference(made, scene()).tobytes()) <= 3


def test_a_file_without_loss_has_no_quality(scene: Scene, encoded: Encode) -> None:
    assert encoded(scene(), "webp", lossless=True).quality is None


@pytest.mark.parametrize(
    ("quality", "subsampling", "sampling"),
    [
        (80, "auto", 2),
        (89, "auto", 2),
        (90, "auto", 0),
        (100, "auto", 0),
        (95, "420", 2),
        (50, "422", 1),
        (50, "444", 0),
    ],
)
def test_colors_of_a_jpeg_are_kept_as_asked_and_in_full_from_quality_90_on(
    quality: int, subsampling: str, sampling: int, scene: Scene, opened: Make
) -> None:
    made = opened(scene(), "jpeg", quality=quality, subsampling=subsampling)
    assert isinstance(made, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(made) == sampling
    assert "progressive" not in made.info


def test_colors_of_an_avif_are_kept_as_asked(opened: Make) -> None:
    stripes = Image.new("RGB", (64, 64), "red")
    for column in range(0, 64, 2):
        stripes.paste("blue", (column, 0, column + 1, 64))
    losses = [
        ImageStat.Stat(ImageChops.difference(opened(stripes, "avif", quality=85, subsampling=each), stripes)).rms[0]
        for each in ("444", "420")
    ]
    assert losses[0] < losses[1] / 4


def test_webp_warns_that_it_has_one_subsampling_only(scene: Scene, opened: Make) -> None:
    diagnostics = Diagnostics()
    opened(scene(), "webp", subsampling="444", lossless=True, diagnostics=diagnostics)
    assert not diagnostics.warnings
    opened(scene(), "webp", subsampling="444", diagnostics=diagnostics)
    assert "at a quarter of the resolution, not 444" in diagnostics.warnings[0]


def test_a_jpeg_is_progressive_on_demand(scene: Scene, opened: Make) -> None:
    assert opened(scene(), "jpeg", progressive=True).info["progressive"]


@pytest.mark.parametrize("output", ["jpeg", "webp", "avif"])
def test_a_higher_quality_takes_more_bytes(output: str, scene: Scene, encoded: Encode) -> None:
    sizes = [len(encoded(scene(), output, quality={output: value}).data) for value in (20, 95)]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("output", ["jpeg", "png"])
def test_more_effort_never_takes_more_bytes(output: str, scene: Scene, encoded: Encode) -> None:
    sizes = [len(encoded(scene(size=(300, 200)), output, effort=effort).data) for effort in (1, None, 10)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


@pytest.mark.parametrize("output", Format)
def test_every_effort_is_accepted(output: Format, scene: Scene, encoded: Encode) -> None:
    for effort in (1, 5, 10):
        assert encoded(scene(size=(40, 30)), output, effort=effort).data


@pytest.mark.parametrize(
    ("output", "option", "scale"),
    [
        ("webp", "method", [0, 1, 1, 2, 3, 3, 4, 5, 5, 6]),
        ("jxl", "effort", [1, 2, 3, 3, 4, 5, 6, 6, 7, 8]),
        ("avif", "speed", [10, 9, 8, 7, 6, 4, 3, 2, 1, 0]),
        ("png", "compress_level", [1, 2, 3, 4, 5, 5, 6, 7, 8, 9]),
        ("jpeg", "optimize", [False] * 2 + [True] * 8),
    ],
)
def test_effort_spans_the_whole_scale_of_each_encoder(output: str, option: str, scale: list[Any]) -> None:
    requests = [EncodeRequest(mode="RGB", quality=80, effort=effort) for effort in range(1, 11)]
    assert [OUTPUT_FORMATS[output].options(request)[option] for request in requests] == scale


def clouds(noise: Scene) -> Image.Image:
    return noise(size=(40, 30)).resize((320, 240), Image.Resampling.BICUBIC)


@pytest.fixture
def without_jpegli(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "pyjpegli", None)
    jpegli.cache_clear()
    yield
    jpegli.cache_clear()


@pytest.fixture
def without_mozjpeg(monkeypatch: pytest.MonkeyPatch, without_jpegli: None) -> Iterator[None]:
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "mozjpeg_lossless_optimization", None)
    mozjpeg.cache_clear()
    yield
    mozjpeg.cache_clear()


@pytest.fixture
def with_mozjpeg(monkeypatch: pytest.MonkeyPatch, without_jpegli: None) -> Iterator[list[bytes]]:
    """As where it is installed, and takes one byte off; lists what it was given."""
    given: list[bytes] = []

    def optimize(data: bytes, copy: str) -> bytes:
        given.append(data)
        return data[:-1] if copy == "all" else b""

    module = types.SimpleNamespace(optimize=optimize, COPY_MARKERS=types.SimpleNamespace(ALL="all"))
    monkeypatch.setitem(sys.modules, "mozjpeg_lossless_optimization", module)
    mozjpeg.cache_clear()
    yield given
    mozjpeg.cache_clear()


def test_the_highest_effort_tries_progressive_scans(without_mozjpeg: None, noise: Scene, encoded: Encode) -> None:
    best = encoded(clouds(noise), "jpeg", effort=10).data
    both = [encoded(clouds(noise), "jpeg", progressive=each).data for each in (False, True)]
    assert best == min(both, key=len)


def test_the_highest_effort_repacks_with_mozjpeg_last(with_mozjpeg: list[bytes], noise: Scene, encoded: Encode) -> None:
    best = encoded(clouds(noise), "jpeg", effort=10).data
    assert with_mozjpeg == [min(with_mozjpeg, key=len)]
    assert best == with_mozjpeg[0][:-1]
    encoded(clouds(noise), "jpeg", effort=9)
    assert len(with_mozjpeg) == 1


def test_the_real_mozjpeg_keeps_pixels_and_profile(without_jpegli: None, noise: Scene, opened: Make) -> None:
    pytest.importorskip("mozjpeg_lossless_optimization")
    plain, packed = (
        opened(clouds(noise), "jpeg", effort=each, embedded={"icc_profile": b"kept"}) for each in (None, 10)
    )
    assert packed.tobytes() == plain.tobytes()
    assert packed.info["icc_profile"] == b"kept"


def test_noise_that_overflows_the_optimizer_is_still_written(noise: Scene, opened: Make) -> None:
    assert opened(noise(size=(900, 900)), "jpeg", quality=94).format == "JPEG"


def test_noise_that_cannot_be_progressive_becomes_baseline_with_a_warning(noise: Scene, opened: Make) -> None:
    diagnostics = Diagnostics()
    made = opened(noise(size=(900, 900)), "jpeg", quality=94, progressive=True, diagnostics=diagnostics)
    assert "wrote a baseline JPEG" in diagnostics.warnings[0]
    assert "progressive" not in made.info


@pytest.mark.slow
def test_noise_accepts_any_effort_without_a_warning(noise: Scene, opened: Make) -> None:
    assert opened(noise(size=(900, 900)), "jpeg", quality=94, effort=10).size == (900, 900)


@pytest.mark.parametrize(
    ("output", "size", "message"),
    [
        ("jpeg", (65_501, 1), "jpeg holds sides of at most 65500 pixels, not 65501"),
        ("webp", (1, 16_384), "webp holds sides of at most 16383 pixels, not 16384"),
        ("avif", (1, 32_769), "avif holds sides of at most 32768 pixels, not 32769"),
        ("gif", (65_536, 1), "gif holds sides of at most 65535 pixels, not 65536"),
    ],
)
def test_a_side_too_long_for_the_format_is_refused_with_both_numbers(
    output: str, size: tuple[int, int], message: str, encoded: Encode
) -> None:
    with pytest.raises(PictureError) as raised:
        encoded(Image.new("L", size), output)
    assert (raised.value.reason, str(raised.value)) == (Reason.UNSUPPORTED, message)


@pytest.mark.parametrize("output", ["jpeg", "webp", "gif"])
def test_the_declared_longest_side_can_be_encoded(output: str, opened: Make) -> None:
    longest = OUTPUT_FORMATS[output].max_side
    assert opened(Image.new("L", (longest, 1)), output).size == (longest, 1)


def test_only_pixels_are_taken_from_the_image_which_is_not_changed(scene: Scene, opened: Make) -> None:
    image = scene()
    image.info = {"comment": b"secret", "icc_profile": b"stale", "dpi": (300, 300)}
    for output in ("jpeg", "png", "gif", "tiff"):
        made = opened(image, output)
        assert b"secret" not in repr(made.info).encode()
        assert "icc_profile" not in made.info
    assert image.info["comment"] == b"secret"


@pytest.mark.parametrize("raised", [OSError("encoder error -2"), ValueError("odd")])
def test_a_failing_encoder_is_reported(
    raised: Exception, scene: Scene, encoded: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise raised

    image = scene()
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(PictureError, match=f"can't be encoded as jpeg: {raised}"):
        encoded(image, "jpeg")


def test_memory_errors_are_passed_on(scene: Scene, encoded: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    image = scene()
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(MemoryError):
        encoded(image, "png")
