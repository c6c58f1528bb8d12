"""Outputs without loss that have the source's own coded pixels: libvips decodes both to the same."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from forkresize.image.transform import Rendered, transform
from forkresize.recipe import Recipe

Scene = Callable[..., Image.Image]

PLACE = "Paris"

WAYS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "JPEG": (
        "L RGB CMYK",
        [{}, {"progressive": True}, {"subsampling": 1}, {"restart_marker_rows": 1}, {"quality": 99}],
    ),
    "PNG": ("1 L LA P RGB RGBA I;16", [{}, {"compress_level": 1}, {"compress_level": 9}]),
    "WEBP": ("RGB RGBA", [{"quality": 60}, {"lossless": True}]),
}
CASES = [(name, mode, way) for name, (modes, ways) in WAYS.items() for mode in modes.split() for way in ways]


def coded(image: Image.Image, name: str, **options: Any) -> bytes:
    image.save(file := io.BytesIO(), name, **options)
    return file.getvalue()


def repacked(data: bytes, **recipe: Any) -> Rendered:
    [made] = transform(data, Recipe.of(lossless=True, **recipe))
    return made


_ARTIST = 0x013B


def seen(data: bytes) -> tuple[Any, ...]:
    """Return the pixels as libvips decodes and turns them."""
    image = pyvips.Image.new_from_buffer(data, "").autorot()
    if image.interpretation == "rgb" and image.bands == 2:
        image = image.colourspace("b-w")
    # oxipng may drop an alpha channel that is opaque, and a color that is gray.
    image = image.colourspace("srgb" if image.interpretation == "b-w" else image.interpretation)
    image = image if image.hasalpha() or image.interpretation == "cmyk" else image.addalpha()
    return image.width, image.height, image.interpretation, image.write_to_memory()


def tags(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "a camera", orientation
    exif.get_ifd(0x8825)[29] = PLACE
    return exif


@pytest.mark.parametrize(("name", "mode", "way"), CASES)
@settings(max_examples=4, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    seed=st.integers(0, 9),
    orientation=st.integers(1, 8),
    policy=st.sampled_from(["all", "safe", "none"]),
)
def test_pixels_and_orientation_stay_and_the_file_grows_by_no_byte(
    name: str, mode: str, way: dict[str, Any], size: tuple[int, int], seed: int, orientation: int, policy: str
) -> None:
    channels = 2 if mode == "I;16" else 1 if mode == "1" else len(Image.new(mode, (1, 1)).tobytes())
    wide = (size[0] + 7) // 8 * 8
    noise = random.Random(seed).randbytes(wide * size[1] * channels)  # noqa: S311 (seeded on purpose)
    image = Image.frombytes(mode, (wide, size[1]), noise).crop((0, 0, *size))
    if mode == "P":
        image.putpalette(noise[:768].ljust(768, b"\7"))
    source = coded(image, name, exif=tags(orientation), **way)
    made = repacked(source, metadata=policy)
    assert seen(made.data) == seen(source)
    assert made.size == (size[::-1] if orientation > 4 else size)
    assert len(made.data) <= len(source)
    assert (PLACE.encode() in made.data) is (policy == "all")
    assert not made.warnings or mode == "CMYK"


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_animations_keep_their_frames(name: str, scene: Scene) -> None:
    pages = [scene(size=(60, 40)).rotate(turn) for turn in (0, 20, 40)]
    source = coded(pages[0], name, save_all=True, append_images=pages[1:], duration=[30, 60, 90], loop=2)
    made = repacked(source)
    assert len(made.data) <= len(source)
    before, after = (Image.open(io.BytesIO(data)) for data in (source, made.data))
    assert (after.n_frames, after.info["loop"]) == (3, 2)  # type: ignore[attr-defined]
    for number, duration in enumerate((30, 60, 90)):
        before.seek(number)
        after.seek(number)
        assert after.convert("RGB").tobytes() == before.convert("RGB").tobytes()
        assert after.info["duration"] == duration


@pytest.mark.parametrize("orientation", [1, 6])
def test_what_is_coded_with_loss_keeps_its_color_space(
    orientation: int, scene: Scene, rgb_profile: Callable[..., bytes]
) -> None:
    source = coded(scene(), "JPEG", icc_profile=rgb_profile(), exif=tags(orientation))
    made = repacked(source)
    assert made.warnings == ("kept in its color space: converting the pixels would lose some of their quality",)
    assert Image.open(io.BytesIO(made.data)).info["icc_profile"] == rgb_profile()
    assert seen(made.data) == seen(source)
    assert repacked(source, color="keep").warnings == ()


def test_the_color_space_of_a_picture_with_alpha_is_remarked_on_too(
    noise: Scene, rgb_profile: Callable[..., bytes]
) -> None:
    made = repacked(coded(noise("RGBA"), "WEBP", quality=80, icc_profile=rgb_profile()))
    assert made.warnings == ("kept in its color space: converting the pixels would lose some of their quality",)


@pytest.mark.parametrize("policy", ["all", "safe", "copyright"])
def test_texts_of_a_turned_picture_stay_as_they_are(policy: str, scene: Scene) -> None:
    exif = tags(6)
    exif[_ARTIST] = "Jürgen Müller, 日本".encode()
    made = repacked(coded(scene(), "JPEG", exif=exif), metadata=policy)
    assert "Jürgen Müller, 日本".encode() in made.data


def test_what_is_coded_without_loss_is_converted(scene: Scene, rgb_profile: Callable[..., bytes]) -> None:
    made = repacked(coded(scene(), "PNG", icc_profile=rgb_profile()))
    assert "icc_profile" not in Image.open(io.BytesIO(made.data)).info
    assert made.warnings == ()


def test_a_step_that_changes_a_jpeg_encodes_it_with_a_warning(scene: Scene) -> None:
    source = coded(scene(), "JPEG")
    for change in ({"width": 60}, {"grayscale": True}, {"crop": "20x20+0+0"}):
        assert repacked(source, **change).warnings == ("encoded with loss: JPEG has no lossless compression",)
    # Its pixels stay as they are in a format that has it.
    assert seen(repacked(source, format="png").data) == seen(source)


def test_a_webp_with_loss_is_not_encoded_without(scene: Scene) -> None:
    source = coded(scene(size=(300, 200)), "WEBP", quality=40)
    assert repacked(source).data == source
    assert repacked(source).quality is None


def test_colors_of_transparent_pixels_stay(noise: Scene) -> None:
    image = noise("RGBA")
    image.putalpha(image.getchannel("A").point(lambda level: 255 * (level > 99)))
    for name in ("PNG", "WEBP"):
        source = coded(image, name, **({"lossless": True, "exact": True} if name == "WEBP" else {}))
        assert Image.open(io.BytesIO(repacked(source).data)).convert("RGBA").tobytes() == image.tobytes()


def test_sixteen_bits_with_opaque_alpha_do_not_grow() -> None:
    deep = pyvips.Image.identity(ushort=True).crop(0, 0, 4000, 1).bandjoin([7, 9, 65535]).copy(interpretation="rgb16")
    source = deep.pngsave_buffer(compression=9)
    made = repacked(source).data
    assert len(made) <= len(source)
    before, after = (pyvips.Image.new_from_buffer(data, "")[0:3] for data in (source, made))
    assert (before - after).abs().max() == 0


@pytest.mark.parametrize("effort", [1, 8, 10])
def test_effort_decides_how_well_the_own_pixels_of_a_png_are_packed(effort: int, scene: Scene) -> None:
    source = coded(scene("P", (300, 200)), "PNG", compress_level=1)
    made = repacked(source, effort=effort)
    assert (len(made.data) < len(source) * 0.9) is (effort > 1)
    assert seen(made.data) == seen(source)


def test_colors_are_reduced_if_that_is_asked_for(scene: Scene) -> None:
    made = repacked(coded(scene(), "PNG"), palette=8, format="png")
    assert len(Image.open(io.BytesIO(made.data)).convert("RGB").getcolors() or ()) <= 8


def test_sixteen_bits_are_reduced_if_that_is_asked_for() -> None:
    deep = pyvips.Image.identity(ushort=True).crop(0, 0, 4000, 1).bandjoin([7, 9]).copy(interpretation="rgb16")
    source = deep.pngsave_buffer(compression=9)
    assert seen(repacked(source).data) == seen(source)
    assert pyvips.Image.new_from_buffer(repacked(source, depth="8").data, "").format == "uchar"


def test_long_texts_are_compressed_as_in_the_source(scene: Scene) -> None:
    texts = PngInfo()
    texts.add_text("Description", "the same again " * 500, zip=True)
    source = coded(scene("P"), "PNG", pnginfo=texts, compress_level=9)
    made = repacked(source, effort=1)
    assert len(made.data) <= len(source) + 20
    assert Image.open(io.BytesIO(made.data)).info["Description"] == "the same again " * 500
    assert repacked(made.data, effort=1).data == made.data


def test_a_damaged_jpeg_is_not_copied(scene: Scene) -> None:
    source = coded(scene(size=(300, 200)), "JPEG")
    # Its end is missing, and the bytes that make a table of the second chroma coefficients.
    table = source.rindex(b"\xff\xc4") + 5
    for damaged in (source[:-500], source[:table] + bytes(8) + source[table + 8 :]):
        for policy in ("safe", "all"):
            made = repacked(damaged, on_truncated="salvage", metadata=policy)
            assert made.warnings[0].startswith("salvaged")
            assert made.warnings[-1] == "encoded with loss: JPEG has no lossless compression"
            Image.open(io.BytesIO(made.data)).load()


def test_a_channel_that_is_copied_has_no_warning_that_it_was_dropped(noise: Scene) -> None:
    # The former encoder finds what repeats at this distance, Pillow's own for TIFF does not.
    texture, image = noise("RGB", size=(256, 50)).convert("RGBX"), Image.new("RGBX", (256, 192))
    for top in range(0, 192, 50):
        image.paste(texture, (0, top))
    source = coded(image, "TIFF", compression="zstd")
    made = repacked(source, metadata="all")
    assert made.data == source
    assert made.warnings == ()
    [encoded] = transform(source, Recipe.of(width=100))
    assert encoded.warnings == ("channels beside the colors were dropped: 1 without a meaning in the file",)
