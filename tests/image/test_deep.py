"""16 bits per channel in color stay 16 bits from PNG and TIFF to PNG and TIFF; libvips reads the outputs."""

import io
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.formats import OUTPUT_FORMATS
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.source_image import SourceImage
from forkresize.image.transform import transform
from forkresize.recipe import Depth, Recipe
from tests.image import sixteen
from tests.image.conftest import FEWER_COLORS
from tests.image.decode.pngs import chunks

BOTH = "png", "tiff"

SIZES = (1, 1), (1, 70), (70, 1), (33, 21)

REDUCED = "reduced from 16 to 8 bits per channel"


def render(data: bytes, **options: Any) -> bytes:
    [rendered] = transform(data, Recipe.from_options(options, effective=()))
    assert rendered.warnings == ()
    return rendered.data


def warnings_of(data: bytes, **options: Any) -> tuple[str, ...]:
    return transform(data, Recipe.from_options(options, effective=()))[0].warnings


@pytest.mark.parametrize("output", BOTH)
def test_a_gradient_is_resized_to_the_precision_of_16_bits(output: str) -> None:
    rows = sixteen.gradient(3840, 65_535)
    written = render(sixteen.png(sixteen.repeated(rows, 24), (3840, 24), 3), width=800, format=output)
    mean, worst = sixteen.errors_of_gradient(written, rows)
    assert mean <= 1
    assert worst <= 8
    assert len({*sixteen.read(written)[0][: 3 * 800 : 3]}) == 800


@pytest.mark.parametrize("output", BOTH)
@pytest.mark.parametrize("draw", [sixteen.smooth, sixteen.noise])
@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_pixels_that_are_not_resized_stay_as_they_are(
    size: tuple[int, int], channels: int, draw: Callable[..., list[int]], output: str
) -> None:
    values = draw(size, channels)
    written = render(sixteen.png(values, size, channels), format=output)
    if channels == 2 and output == "tiff":
        # Pillow reads no TIFF of 16-bit gray with alpha, so it is written as a color.
        pairs = zip(values[::2], values[1::2], strict=True)
        values, channels = [level for gray, alpha in pairs for level in (gray, gray, gray, alpha)], 4
    assert sixteen.read(written) == (values, size, channels)
    assert sixteen.read(render(written, format="png")) == (values, size, channels)


WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    "interlaced": (".png", {"interlace": True}),
    "filtered": (".png", {"filter": 0x80}),
    "plain": (".tif", {}),
    "lzw": (".tif", {"compression": "lzw", "predictor": "horizontal"}),
    "deflate": (".tif", {"compression": "deflate"}),
    "tiled": (".tif", {"tile": True, "tile_width": 16, "tile_height": 16}),
    "big": (".tif", {"bigtiff": True}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("channels", [3, 4])
def test_files_of_libvips_are_read_exactly(name: str, channels: int) -> None:
    suffix, options = WRITERS[name]
    size = 45, 37
    values = sixteen.noise(size, channels)
    data = sixteen.made(values, size, channels).write_to_buffer(suffix, **options)
    assert sixteen.read(render(data, format="tiff")) == (values, size, channels)


def test_big_endian_tiffs_are_read_exactly() -> None:
    size = 5, 4
    values = sixteen.noise(size, 3)
    tags = [(256, 5), (257, 4), (258, 0), (259, 1), (262, 2), (273, 8), (277, 3), (278, 4), (279, 120)]
    entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags if value)
    bits = struct.pack(">HHII", 258, 3, 3, 128 + 2 + 12 * len(tags) + 4)
    entries = entries[: 2 * 12] + bits + entries[2 * 12 :]
    data = b"MM\0*" + struct.pack(">I", 128) + struct.pack(">60H", *values)
    data += struct.pack(">H", len(tags)) + entries + bytes(4) + struct.pack(">3H", 16, 16, 16)
    assert sixteen.read(render(data, format="png")) == (values, size, 3)


MOVES: list[dict[str, Any]] = [
    {"flip": "h"},
    {"flip": "v"},
    {"rotate": 90},
    {"rotate": 180},
    {"rotate": 270},
    {"crop": "31x20+11+7"},
    {"crop": "31x20+11+7", "rotate": 90, "flip": "h"},
    {"trim": True},
    {"border": 3, "background": "#123456"},
    {"border": 2, "background": "#12345678"},
]


@pytest.mark.parametrize(("mode", "output"), [("RGB", "tiff"), ("RGBA", "png"), ("LA", "png")])
@pytest.mark.parametrize("options", MOVES, ids=str)
def test_steps_do_the_same_as_with_8_bits(
    options: dict[str, Any], mode: str, output: str, scene: Callable[..., Image.Image]
) -> None:
    image = Image.new(mode, (80, 60), (0,) * len(mode))
    image.paste(scene(mode, (70, 50)), (5, 5))
    deep = sixteen.png(sixteen.doubled(image), image.size, len(mode))
    with Image.open(io.BytesIO(render(sixteen.eight(image), format="tiff", **options))) as expected:
        values, size, channels = sixteen.read(render(deep, format=output, **options))
        assert (size, channels) == (expected.size, len(expected.mode))
        assert values == sixteen.doubled(expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
@pytest.mark.parametrize(
    "options",
    [
        {"width": 40},
        {"width": 40, "linear": True},
        {"width": 41, "resample": "bicubic", "rotate": 90},
        {"width": 41, "resample": "nearest"},
        {"size": "50x50", "fit": "cover"},
        {"size": "50x50", "fit": "contain", "background": "red"},
        {"size": "20x30", "fit": "cover", "gravity": "attention"},
        {"width": 160, "enlarge": True},
    ],
    ids=str,
)
def test_resized_pictures_look_the_same_as_with_8_bits(
    options: dict[str, Any], mode: str, scene: Callable[..., Image.Image]
) -> None:
    image = scene(mode)
    deep = sixteen.png(sixteen.doubled(image), image.size, len(mode))
    with Image.open(io.BytesIO(render(sixteen.eight(image), format="png", **options))) as expected:
        values, size, channels = sixteen.read(render(deep, format="png", **options))
        assert (size, channels) == (expected.size, len(expected.mode))
        alphas = values[channels - 1 :: channels] if "A" in expected.mode else [65_535] * len(values)
        pairs = list(zip(values, expected.tobytes(), strict=True))
        # Of what is hardly visible, 8 bits know the color hardly.
        seen = [
            abs(deep / 257 - shallow)
            for number, (deep, shallow) in enumerate(pairs)
            if alphas[number // channels] > 40_000
        ]
        assert max(seen) <= 2.5 or "A" in mode
        assert sum(each > 2.5 for each in seen) <= len(seen) / 50
        assert sum(seen) / len(seen) <= 0.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    size = 20, 12
    values = sixteen.smooth(size, 3)
    upright = Image.frombytes("RGB", size, bytes(level >> 8 for level in values))
    chunk = exif.tobytes().removeprefix(b"Exif\0\0")
    found, shown, _ = sixteen.read(render(sixteen.png(values, size, 3, [(b"eXIf", chunk)]), format="png"))
    with Image.open(io.BytesIO(render(sixteen.eight(upright, exif=exif), format="png"))) as expected:
        assert shown == expected.size
        assert bytes(level >> 8 for level in found) == expected.tobytes()


def test_a_transparent_color_becomes_alpha() -> None:
    size = 8, 4
    values = sixteen.noise(size, 3)
    values[9:12] = values[:3]
    # The same upper bytes are another color.
    values[12:15] = [level ^ 1 for level in values[:3]]
    key = struct.pack(">3H", *values[:3])
    found, _, channels = sixteen.read(render(sixteen.png(values, size, 3, [(b"tRNS", key)]), format="png"))
    assert channels == 4
    assert [number for number, alpha in enumerate(found[3::4]) if alpha == 0] == [0, 3]
    assert {*found[3::4]} == {0, 65_535}
    assert found[16:19] == values[12:15]


@pytest.mark.parametrize("output", BOTH)
def test_opaque_alpha_is_dropped(output: str) -> None:
    size = 9, 7
    values = sixteen.noise(size, 4)
    values[3::4] = [65_535] * 63
    colors = [level for number, level in enumerate(values) if number % 4 != 3]
    assert sixteen.read(render(sixteen.png(values, size, 4), format=output)) == (colors, size, 3)


@pytest.mark.parametrize("output", ["jpeg", "webp", "avif", "gif"])
def test_formats_of_8_bits_get_them_with_a_warning(output: str) -> None:
    data = sixteen.png(sixteen.smooth((30, 20), 3), (30, 20), 3)
    fewer = (FEWER_COLORS,) if output == "gif" else ()
    assert warnings_of(data, format=output) == (REDUCED, *fewer)
    assert warnings_of(data, format=output, depth="8") == fewer


def test_each_of_several_formats_gets_what_it_can_hold() -> None:
    data = sixteen.png(sixteen.smooth((30, 20), 3), (30, 20), 3)
    deep, shallow = transform(data, Recipe.of(format=["png", "jpeg"]))
    assert (deep.warnings, shallow.warnings) == ((), (f"{REDUCED}: the format holds no more",))


@pytest.mark.parametrize("options", [{"blur": 1}, {"grayscale": True}, {"rotate": 3}, {"sharpen": "auto", "width": 20}])
def test_steps_that_support_8_bits_reduce_with_a_warning(options: dict[str, Any]) -> None:
    data = sixteen.png(sixteen.smooth((30, 20), 3), (30, 20), 3)
    assert warnings_of(data, format="png", **options) == (f"{REDUCED}: an operation supports only 8",)
    assert warnings_of(data, format="png", depth="8", **options) == ()


def test_a_palette_reduces_with_a_warning() -> None:
    data = sixteen.png(sixteen.smooth((30, 20), 3), (30, 20), 3)
    assert warnings_of(data, format="png", palette=8) == (f"{REDUCED}, for an animation or a palette",)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("output", BOTH)
def test_depth_8_writes_8_bits_without_a_warning(output: str, channels: int) -> None:
    size = 30, 20
    values = sixteen.smooth(size, channels)
    with Image.open(io.BytesIO(render(sixteen.png(values, size, channels), format=output, depth="8"))) as image:
        assert image.mode == ("RGB" if channels == 3 else "RGBA")
        found = image.convert("LA" if channels == 2 else image.mode).tobytes()
        assert max(abs(level / 257 - eight) for level, eight in zip(values, found, strict=True)) <= 1


def test_depth_8_writes_gray_of_8_bits() -> None:
    gray = Image.frombytes("I;16", (256, 256), struct.pack("<65536H", *range(65_536)))
    with Image.open(io.BytesIO(render(sixteen.eight(gray), format="png", depth="8"))) as image:
        assert image.mode == "L"
        assert image.tobytes() == bytes((level + 128) // 257 for level in range(65_536))


@pytest.mark.parametrize("output", BOTH)
def test_metadata_and_resolution_are_kept(output: str) -> None:
    size = 30, 20
    exif = Image.Exif()
    exif[0x013B], exif[0x8298] = "Ada", "© Ada"
    parts = [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")), (b"pHYs", struct.pack(">IIB", 11_811, 11_811, 1))]
    with Image.open(io.BytesIO(render(sixteen.png(sixteen.smooth(size, 3), size, 3, parts), format=output))) as image:
        assert image.getexif()[0x013B] == "Ada"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.skipif(not shutil.which("tiffcp"), reason="libtiff's tools are not installed")
def test_pages_keep_the_depth_of_each(tmp_path: Path) -> None:
    size = 40, 30
    first, last = sixteen.noise(size, 3), sixteen.noise(size, 4)
    (tmp_path / "a.tif").write_bytes(render(sixteen.png(first, size, 3), format="tiff"))
    Image.new("RGB", size, "red").save(tmp_path / "b.tif")
    (tmp_path / "c.tif").write_bytes(render(sixteen.png(last, size, 4), format="tiff"))
    subprocess.run(
        ["tiffcp", "a.tif", "b.tif", "c.tif", "pages.tif"],  # noqa: S607 -- as installed.
        check=True,
        cwd=tmp_path,
    )
    written = render((tmp_path / "pages.tif").read_bytes())
    assert sixteen.read(written, page=0) == (first, size, 3)
    assert sixteen.read(written, page=2) == (last, size, 4)
    with Image.open(io.BytesIO(written)) as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        image.seek(1)
        assert image.getpixel((3, 3)) == (255, 0, 0)


def test_what_is_there_of_a_truncated_file_is_salvaged_at_8_bits() -> None:
    size = 64, 64
    values = sixteen.noise(size, 3)
    data = sixteen.png(values, size, 3)[:-9_000]
    [made] = transform(data, Recipe.of(format="png", on_truncated="salvage"))
    assert made.warnings[0].startswith("salvaged, a part is missing")
    assert made.warnings[1:] == (REDUCED,)
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.getpixel((5, 5)) == tuple(level >> 8 for level in values[3 * (5 * 64 + 5) :][:3])


def test_an_output_fits_into_bytes_at_16_bits() -> None:
    size = 200, 150
    data = sixteen.png(sixteen.noise(size, 3), size, 3)
    [made] = transform(data, Recipe.of(format="png", max_bytes="60K"))
    assert len(made.data) <= 60_000
    assert made.size[0] < 200
    assert sixteen.read(made.data)[2] == 3


def test_the_pixels_of_the_source_are_kept_if_they_are_smaller() -> None:
    size = 60, 40
    stored = sixteen.png([8_000] * (60 * 40 * 3), size, 3)
    [made] = transform(stored, Recipe.of(if_larger="keep-original", effort=1))
    assert sixteen.read(made.data) == ([8_000] * (60 * 40 * 3), size, 3)
    assert len(made.data) <= len(stored)


def test_the_rows_of_a_png_are_filtered() -> None:
    size = 300, 200
    data = sixteen.png(sixteen.smooth(size, 3), size, 3)
    written = render(data, format="png")
    assert len(written) < len(data) / 3
    raw = zlib.decompress(b"".join(content for name, content in chunks(written) if name == b"IDAT"))
    assert len({raw[start] for start in range(0, len(raw), 1 + 6 * 300)}) > 1


def test_a_source_says_which_mode_it_has() -> None:
    data = sixteen.png(sixteen.smooth((9, 9), 2), (9, 9), 2)
    source = SourceImage.open(io.BytesIO(data), Recipe(), Diagnostics())
    assert source.deep_mode(OUTPUT_FORMATS["png"].modes) == "LA;16"
    assert source.deep_mode(OUTPUT_FORMATS["webp"].modes) is None
    recipe = Recipe(depth=Depth.EIGHT)
    assert SourceImage.open(io.BytesIO(data), recipe, Diagnostics()).deep_mode(OUTPUT_FORMATS["png"].modes) is None
