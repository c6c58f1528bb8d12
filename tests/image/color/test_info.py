"""Color spaces that are declared without an ICC profile."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageChops

from forkresize.image.color.cicp import CicpColorSpace
from forkresize.outcome import Outcome, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]

P3, PQ, HLG = (12, 13), (9, 16), (9, 18)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_chunks(png: bytes, **chunks: bytes) -> bytes:
    """Put chunks behind a PNG's header."""
    added = b"".join(
        struct.pack(">I", len(content))
        + name.encode()
        + content
        + struct.pack(">I", zlib.crc32(name.encode() + content))
        for name, content in chunks.items()
    )
    return png[:33] + added + png[33:]


def gamma(value: float) -> bytes:
    return struct.pack(">I", round(value * 100_000))


def chromaticities(*numbers: float) -> bytes:
    return struct.pack(">8I", *(round(number * 100_000) for number in numbers))


P3_POINTS = chromaticities(0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
SRGB_POINTS = chromaticities(0.3127, 0.3290, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)


def coded_png(image: Image.Image, primaries: int, transfer: int) -> bytes:
    return with_chunks(encoded(image, "PNG"), cICP=bytes((primaries, transfer, 0, 1)))


def coded_avif(image: Image.Image, primaries: int, transfer: int) -> bytes:
    data = encoded(image, "AVIF", quality=100, subsampling="4:4:4")
    place = data.index(b"colrnclx") + len(b"colrnclx")
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


def coded_heif(image: Image.Image, primaries: int, transfer: int) -> bytes:
    pytest.importorskip("pillow_heif").register_heif_opener()
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer}
    return encoded(image, "HEIF", quality=-1, chroma=444, **codes)


CODED = {"png": coded_png, "avif": coded_avif, "heic": coded_heif}


def profiled(image: Image.Image, primaries: int, transfer: int, *, is_gray: bool = False) -> bytes:
    profile = CicpColorSpace(primaries, transfer).profile(is_gray=is_gray)
    assert profile is not None
    return encoded(image, "PNG", icc_profile=profile)


def farthest(one: Image.Image, other: Image.Image) -> int:
    bands = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).split()
    return max(band.getextrema()[1] for band in bands)  # type: ignore[return-value]


@pytest.mark.parametrize("kind", CODED)
def test_display_p3_by_code_differs_from_srgb(kind: str, scene: Scene, make: Make) -> None:
    source = CODED[kind](scene(), *P3)
    plain = Image.open(io.BytesIO(source)).convert("RGB")
    made = make(source, f"a.{kind}", format="png")
    assert farthest(made, plain) > 20
    assert farthest(made, make(profiled(plain, *P3), "b.png")) == 0


@pytest.mark.parametrize("kind", CODED)
@pytest.mark.parametrize("code", [(1, 13), (1, 1), (2, 2)])
def test_srgb_by_code_changes_nothing(kind: str, code: tuple[int, int], scene: Scene, make: Make) -> None:
    source = CODED[kind](scene(), *code)
    made = make(source, f"a.{kind}", format="png")
    assert farthest(made, Image.open(io.BytesIO(source))) == 0


@pytest.mark.parametrize("kind", CODED)
@pytest.mark.parametrize("code", [PQ, HLG])
def test_hdr_by_code_is_tone_mapped_with_a_warning(
    kind: str, code: tuple[int, int], scene: Scene, result: Render, tmp_path: Any
) -> None:
    outcome = result(CODED[kind](scene(), *code), f"a.{kind}", format="png")
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ("tone-mapped from HDR to the standard range",)


def test_an_unknown_cicp_code_causes_a_warning(scene: Scene, result: Render) -> None:
    outcome = result(coded_png(scene(), 10, 17), "a.png")
    assert isinstance(outcome.detail, Written)
    assert outcome.warnings == ("unknown color space: CICP 10/17; assuming sRGB",)


def test_cicp_precedes_the_profile_in_png_and_follows_it_in_avif(
    scene: Scene, rgb_profile: Callable[..., bytes], make: Make
) -> None:
    png = with_chunks(encoded(scene(), "PNG", icc_profile=rgb_profile()), cICP=bytes((*P3, 0, 1)))
    assert farthest(make(png, "a.png"), make(profiled(scene(), *P3), "b.png")) == 0
    avif = encoded(scene(), "AVIF", quality=100, icc_profile=rgb_profile())
    expected = encoded(Image.open(io.BytesIO(avif)).convert("RGB"), "PNG", icc_profile=rgb_profile())
    assert farthest(make(avif, "c.avif", format="png"), make(expected, "d.png")) == 0


@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif", "tiff"])
def test_a_kept_color_space_is_embedded_as_a_profile(output: str, scene: Scene, make: Make) -> None:
    made = make(coded_png(scene(), *P3), "a.png", format=output, color="keep")
    assert made.info["icc_profile"] == CicpColorSpace(*P3).profile(is_gray=False)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_gray_by_code_stays_gray(mode: str, scene: Scene, make: Make) -> None:
    made = make(coded_png(scene(mode), 1, 8), "a.png")
    assert made.mode == mode
    expected = make(profiled(scene(mode), 1, 8, is_gray=True), "b.png")
    assert made.tobytes() == expected.tobytes()
    assert made.info.get("icc_profile") == expected.info.get("icc_profile")


def test_gamma_and_chromaticities_of_a_png_are_applied(scene: Scene, make: Make) -> None:
    made = make(with_chunks(encoded(scene(), "PNG"), gAMA=gamma(0.45455), cHRM=P3_POINTS), "a.png")
    assert farthest(made, make(profiled(scene(), *P3), "b.png")) <= 1
    linear = make(with_chunks(encoded(scene(), "PNG"), gAMA=gamma(1)), "c.png")
    assert farthest(linear, make(profiled(scene(), 1, 8), "d.png")) <= 1
    gray = make(with_chunks(encoded(scene("L"), "PNG"), gAMA=gamma(1)), "e.png")
    assert gray.tobytes() == make(profiled(scene("L"), 1, 8, is_gray=True), "f.png").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(
    "chunks",
    [
        {"gAMA": gamma(0.45455)},
        {"gAMA": gamma(0.45455), "cHRM": SRGB_POINTS},
        {"sRGB": b"\0", "gAMA": gamma(1)},
    ],
)
def test_gamma_and_chromaticities_of_srgb_change_nothing(
    chunks: dict[str, bytes], mode: str, scene: Scene, make: Make
) -> None:
    made = make(with_chunks(encoded(scene(mode), "PNG"), **chunks), "a.png")
    assert made.tobytes() == scene(mode).tobytes()


@pytest.mark.parametrize("chunks", [{"gAMA": gamma(0)}, {"cHRM": bytes(32)}, {"gAMA": gamma(0.00001)}])
def test_invalid_color_information_is_ignored_with_a_warning(
    chunks: dict[str, bytes], scene: Scene, result: Render
) -> None:
    outcome = result(with_chunks(encoded(scene(), "PNG"), **chunks), "a.png")
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ("invalid color information; assuming sRGB",)


@pytest.mark.parametrize("order", ["<", ">"])
def test_adobe_rgb_by_exif_is_applied(order: str, scene: Scene, rgb_profile: Callable[..., bytes], make: Make) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif.get_ifd(0x8769).update({0xA001: 65535, 0xA005: {1: "R03"}})
    source = encoded(scene(), "JPEG", exif=exif, quality=100)
    plain = Image.open(io.BytesIO(source))
    expected = make(encoded(plain.convert("RGB"), "PNG", icc_profile=rgb_profile()), "b.png")
    assert farthest(make(source, "a.jpg", format="png"), expected) <= 2
    exif.get_ifd(0x8769)[0xA001] = 1
    contradicted = encoded(scene(), "JPEG", exif=exif, quality=100)
    assert farthest(make(contradicted, "c.jpg", format="png"), plain) == 0
