"""TIFFs of every kind of pixels, written by code that shares nothing with their reader."""

import io
import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from forkresize.image.decode import tiff
from forkresize.image.errors import PictureError
from forkresize.image.transform import render_each, transform
from forkresize.loss import Loss, loss_of
from forkresize.outcome import Failed, Reason
from forkresize.recipe import Recipe

SIZE = 8, 4
RAW, DEFLATE, ZSTD, WEBP = 1, 8, 50_000, 50_001
WHITE_IS_ZERO, GRAY, RGB, PALETTE, CMYK, LAB = 0, 1, 2, 3, 5, 8
NATURAL = {GRAY: 1, WHITE_IS_ZERO: 1, PALETTE: 1, RGB: 3, 6: 3, LAB: 3, 9: 3, 10: 3, CMYK: 4, 32_844: 1, 32_845: 3}

COMPRESSIONS = [2, 3, 4, 5, 6, 7, 9, 10, 32_766, 32_773, 32_809, 32_895, 32_908, 32_909, 33_003, 33_005, 34_661]
COMPRESSIONS += [34_676, 34_677, 34_712, 34_713, 34_715, 34_887, 34_892, 34_925, 34_926, 34_927, 34_933, 34_934]
COMPRESSIONS += [ZSTD, WEBP, 50_002, 52_546, 65_000]


def write(
    planes: Sequence[bytes],
    bits: Sequence[int],
    color: int = GRAY,
    *,
    order: str = "<",
    kind: int = 1,
    compression: int = RAW,
    extra: Sequence[int] = (),
    size: tuple[int, int] = SIZE,
) -> bytes:
    """Return a TIFF of one strip, or of one for each channel."""
    strips = [zlib.compress(plane) if compression == DEFLATE else plane for plane in planes]
    values: dict[int, tuple[str, Sequence[int]]] = {
        256: ("H", [size[0]]),
        257: ("H", [size[1]]),
        258: ("H", bits),
        259: ("H", [compression]),
        262: ("H", [color]),
        273: ("I", [8 + sum(map(len, strips[:number])) for number in range(len(strips))]),
        277: ("H", [len(bits)]),
        278: ("H", [size[1]]),
        279: ("I", list(map(len, strips))),
        284: ("H", [1 if len(strips) == 1 else 2]),
        # libtiff drops a color map that does not fit the depth.
        320: ("H", range(3 << min(bits[0], 8)) if color == PALETTE else []),
        338: ("H", extra),
        339: ("H", [kind] * len(bits)),
    }
    entries = [(tag, code, each) for tag, (code, each) in values.items() if each]
    start = 8 + sum(map(len, strips))
    table, tail, behind = b"", b"", start + 2 + 12 * len(entries) + 4
    for tag, code, each in entries:
        content = struct.pack(f"{order}{len(each)}{code}", *each)
        inline = len(content) <= 4
        table += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[code], len(each))
        table += content.ljust(4, b"\0") if inline else struct.pack(f"{order}I", behind + len(tail))
        tail += b"" if inline else content
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return header + b"".join(strips) + struct.pack(f"{order}H", len(entries)) + table + bytes(4) + tail


def noise(bits: Sequence[int], *, planar: bool = False, seed: int = 0) -> list[bytes]:
    rows = [[each] for each in bits] if planar else [bits]
    source = random.Random(seed)  # noqa: S311 -- seeded on purpose.
    return [source.randbytes(SIZE[1] * -(-SIZE[0] * sum(row) // 8)) for row in rows]


def reason(data: bytes) -> tuple[Reason, str]:
    with pytest.raises(PictureError) as caught:
        transform(data, Recipe.of(width=4, format="png"))
    return caught.value.reason, str(caught.value)


def read(data: bytes, output: str = "tiff") -> Image.Image:
    image = Image.open(io.BytesIO(transform(data, Recipe.of(format=output))[0].data))
    image.load()
    return image


def wide(values: Sequence[float], code: str, order: str = "<") -> bytes:
    return struct.pack(f"{order}{len(values)}{code}", *values)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    color=st.sampled_from([*NATURAL, 4, 32_803, 34_892, 51_177, 12_345]),
    bits=st.sampled_from([1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32, 64, 128]),
    kind=st.sampled_from([1, 2, 3, 4, 5, 6]),
    extra=st.lists(st.sampled_from([0, 1, 2]), max_size=4),
    planar=st.booleans(),
    order=st.sampled_from("<>"),
    compression=st.sampled_from([RAW, DEFLATE]),
)
@example(color=1, bits=1, kind=1, extra=[0], planar=True, order="<", compression=RAW)
def test_pixels_that_are_not_supported_are_not_called_damaged(
    color: int, bits: int, kind: int, extra: list[int], *, planar: bool, order: str, compression: int
) -> None:
    depth = [bits] * (NATURAL.get(color, 1) + len(extra))
    planes = noise(depth, planar=planar and len(depth) > 1)
    data = write(planes, depth, color, order=order, kind=kind, compression=compression, extra=extra)
    try:
        transform(data, Recipe.of(width=4, format="png"))
    except PictureError as error:
        assert error.reason is Reason.UNSUPPORTED, f"{error.reason}: {error}"  # noqa: PT017 -- both results are right.


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compression_that_pillow_cannot_read_is_named(compression: int) -> None:
    name = TiffImagePlugin.COMPRESSION_INFO.get(compression)
    if name and _can_write(name):
        pytest.skip("this Pillow reads it")
    if name in {"tiff_thunderscan", "tiff_sgilog", "tiff_sgilog24", "tiff_ccitt", "group3", "group4"}:
        pytest.skip("libtiff reads it, for other pixels")
    found, message = reason(write(noise([8]), [8], compression=compression))
    assert found is Reason.UNSUPPORTED
    assert message.startswith("TIFF compression ")
    assert message.endswith(" is not supported")


def _can_write(name: str) -> bool:
    try:
        Image.new("RGB", (8, 8)).save(io.BytesIO(), "TIFF", compression=name)
    except OSError:
        return False
    return True


def test_messages_name_what_is_not_supported() -> None:
    assert reason(write(noise([32] * 3), [32] * 3, RGB, kind=3))[1] == (
        "TIFF with pixels of 3 x 32-bit float as RGB is not supported"
    )
    assert reason(write(noise([32] * 4), [32] * 4, LAB, kind=2, extra=[1]))[1] == (
        "TIFF with pixels of 4 x 32-bit signed as Lab, extra samples 1 is not supported"
    )
    assert reason(write(noise([8]), [8], compression=34_712))[1] == "TIFF compression JPEG 2000 is not supported"
    assert reason(write(noise([8]), [8], compression=65_000))[1] == "TIFF compression 65000 is not supported"


def test_a_compression_that_libtiff_lacks_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PictureError, match=r"^TIFF compression zstd is not supported$"):
        _open_without("zstd", write(noise([8]), [8], compression=ZSTD), monkeypatch)


def _open_without(name: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a libtiff that was built without it, which is found out by writing.
    save = TiffImagePlugin._save  # noqa: SLF001
    monkeypatch.setitem(Image.SAVE, "TIFF", lambda image, *rest: _refuse(name, save, image, *rest))
    tiff._is_available.cache_clear()  # noqa: SLF001
    try:
        transform(data, Recipe.of(width=4, format="png"))
    finally:
        tiff._is_available.cache_clear()  # noqa: SLF001


def _refuse(name: str, save: object, image: Image.Image, *rest: object) -> None:
    assert callable(save)
    if image.encoderinfo.get("compression") == name:
        raise OSError("encoder error -2 when writing image file")
    save(image, *rest)


def test_a_damaged_tiff_is_still_called_damaged() -> None:
    data = write(noise([8]), [8], compression=DEFLATE)
    assert reason(data[:8] + b"\xff" * 8 + data[16:])[0] is Reason.DAMAGED
    assert reason(write(noise([8]), [8])[:40])[0] is Reason.DAMAGED
    palette = write(noise([8]), [8], PALETTE).replace(
        struct.pack("<HHI", 320, 3, 768), struct.pack("<HHI", 321, 3, 768)
    )
    assert reason(palette)[0] is Reason.DAMAGED


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [RAW, DEFLATE])
def test_numbers_are_read_in_the_byte_order_of_the_file(order: str, compression: int) -> None:
    signed = [(index - 16) * 1000 for index in range(32)]
    for code, bits, kind, mode in (("h", 16, 2, "I"), ("i", 32, 2, "I"), ("f", 32, 3, "F"), ("d", 64, 3, "F")):
        image = read(
            write([wide(signed, code, order)], [bits], order=order, kind=kind, compression=compression), "tiff"
        )
        assert image.mode == mode
        assert list(image.get_flattened_data()) == signed
    unsigned = [index * 2000 for index in range(32)]
    for code, bits, mode in (("H", 16, "I;16"), ("I", 32, "I;16")):
        image = read(write([wide(unsigned, code, order)], [bits], order=order, compression=compression), "tiff")
        assert image.mode == mode
        assert list(image.get_flattened_data()) == unsigned


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [RAW, DEFLATE])
def test_sixteen_bits_from_white_to_black_are_not_inverted(order: str, compression: int) -> None:
    values = [index * 2000 for index in range(32)]
    data = write([wide(values, "H", order)], [16], WHITE_IS_ZERO, order=order, compression=compression)
    assert list(read(data, "png").get_flattened_data()) == [65_535 - value for value in values]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [RAW, DEFLATE])
@pytest.mark.parametrize("extra", [(), (0,), (0, 0), (2,)])
def test_separate_channels_of_sixteen_bits(order: str, compression: int, extra: tuple[int, ...]) -> None:
    channels = [[(index * (7 + plane) % 256) * 257 for index in range(32)] for plane in range(3 + len(extra))]
    planes, bits = [wide(channel, "H", order) for channel in channels], [16] * len(channels)
    data = write(planes, bits, RGB, order=order, compression=compression, extra=extra)
    image = read(data, "png")
    shown = channels if extra == (2,) else channels[:3]
    assert [[value * 257 for value in band.get_flattened_data()] for band in image.split()] == shown


def test_integers_that_do_not_fit_are_refused() -> None:
    data = write([wide([2**31 + index for index in range(32)], "I")], [32])
    with pytest.raises(PictureError, match="32-bit integers from 2147483648") as caught:
        read(data)
    assert caught.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("order", "<>")
def test_lab_of_sixteen_bits_looks_like_lab_of_eight(order: str) -> None:
    lightness = [index * 8 for index in range(32)]
    a, b = ([value * step for value in range(-16, 16)] for step in (3, -2))
    triples = [value for each in zip(lightness, a, b, strict=True) for value in each]
    eight = write([bytes(value % 256 for value in triples)], [8] * 3, LAB)
    sixteen = write([wide([value * 256 % 65_536 for value in triples], "H", order)], [16] * 3, LAB, order=order)
    assert read(sixteen, "png").tobytes() == read(eight, "png").tobytes()
    assert transform(sixteen, Recipe.of(format="png"))[0].warnings == ("reduced from 16 to 8 bits per channel",)


def test_a_later_page_of_other_pixels_is_named() -> None:
    pages = [Image.new("L", (8, 8)), Image.new("L", (8, 8))]
    pages[0].save(file := io.BytesIO(), "TIFF", save_all=True, append_images=pages[1:])
    data = file.getvalue()
    place = data.rindex(struct.pack("<HHI", 258, 3, 1)) + 8
    with pytest.raises(PictureError, match=r"^TIFF with pixels of 24-bit as gray is not supported$"):
        read(data[:place] + struct.pack("<H", 24) + data[place + 2 :])


@pytest.mark.skipif(not shutil.which("tiffcp"), reason="libtiff's tools are not installed")
@pytest.mark.parametrize("compression", ["lzw", "zip", "packbits", "lzma", "zstd", "webp", "jbig", "lerc"])
def test_files_of_libtiff_are_read_or_named(compression: str, tmp_path: Path) -> None:
    mode = "1" if compression == "jbig" else "RGB"
    Image.linear_gradient("L").resize((64, 48)).convert(mode).save(tmp_path / "plain.tif")
    done = subprocess.run(
        ["tiffcp", "-c", compression, "plain.tif", "packed.tif"],  # noqa: S607 -- as installed.
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("libtiff's tools were built without it")
    try:
        transform((tmp_path / "packed.tif").read_bytes(), Recipe.of(width=4, format="png"))
    except PictureError as error:
        assert error.reason is Reason.UNSUPPORTED  # noqa: PT017 -- both results are right.
        assert str(error).lower() == f"tiff compression {compression} is not supported"  # noqa: PT017


BYTES, SIGNED, FLOAT = 7, 9, 11


@pytest.mark.parametrize(
    "field",
    [
        struct.pack("<HII", BYTES, 1, 700),
        struct.pack("<HIi", SIGNED, 1, -(1 << 31)),
        *(struct.pack("<HIf", FLOAT, 1, rows) for rows in (float("nan"), float("inf"))),
    ],
)
def test_another_type_than_a_count_as_the_number_of_rows_is_damage(field: bytes) -> None:
    image = Image.new("L", (400, 700))
    image.save(file := io.BytesIO(), "TIFF", compression="tiff_lzw")
    data = bytearray(file.getvalue())
    place = data.rindex(struct.pack("<H", 278)) + 2
    data[place : place + len(field)] = field
    [result] = render_each(io.BytesIO(bytes(data)), Recipe.of(format="png"), name="a.tiff")
    assert not isinstance(result.detail, Failed) or result.detail.reason is not Reason.INTERNAL


@pytest.mark.parametrize(
    ("color", "bits", "extra", "dropped"),
    [
        (RGB, [8] * 4, [0], 1),
        (RGB, [16] * 4, [0], 1),
        (RGB, [8] * 5, [0, 0], 2),
        (RGB, [8] * 5, [2, 0], 1),
        (GRAY, [8] * 2, [0], 1),
        (CMYK, [8] * 5, [0], 1),
        (RGB, [8] * 4, [2], 0),
        (RGB, [8] * 4, [1], 0),
        (GRAY, [8] * 2, [2], 0),
        (GRAY, [8], [], 0),
    ],
    ids=str,
)
def test_channels_without_a_meaning_are_dropped_with_a_warning(
    color: int, bits: list[int], extra: list[int], dropped: int
) -> None:
    [made] = transform(write(noise(bits), bits, color, extra=extra), Recipe.of(format="png"))
    warning = f"channels beside the colors were dropped: {dropped} without a meaning in the file"
    assert made.warnings == ((warning,) if dropped else ())
    assert loss_of(warning) is Loss.TRANSPARENCY
