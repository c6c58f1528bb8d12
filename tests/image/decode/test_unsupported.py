"""Files that are whole, but that no decoder here reads."""

import io
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from forkresize.image.decode.unsupported import find_unsupported
from forkresize.image.errors import PictureError, says_unsupported
from forkresize.image.transform import transform
from forkresize.outcome import Reason
from forkresize.recipe import Recipe


def saved(mode: str, output: str, **options: object) -> bytearray:
    Image.linear_gradient("L").resize((32, 16)).convert(mode).save(file := io.BytesIO(), output, **options)
    return bytearray(file.getvalue())


def jpeg(*, marker: int = 0xC0, bits: int = 8, channels: int = 3) -> bytes:
    data = saved("RGB", "JPEG", comment=b"x" * 60_000)
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4], data[frame + 9] = marker, bits, channels
    return bytes(data)


def psd(mode: int, bits: int) -> bytes:
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 4, 4, bits, mode)
    return header + bytes(12) + b"\0\0" + bytes(4 * 4 * 3 * -(-bits // 8))


def jpeg2000(*, channels: int = 3, bits: int = 8, boxed: bool = False) -> bytes:
    data = saved("RGB", "JPEG2000", no_jp2=not boxed)
    size = data.index(b"\xff\x4f\xff\x51")
    data[size + 40 : size + 42] = channels.to_bytes(2)
    data[size + 42] = bits - 1
    return bytes(data)


def bmp(*, bits: int = 24, compression: int = 0) -> bytes:
    data = saved("RGB", "BMP")
    data[28:30], data[30:34] = struct.pack("<H", bits), struct.pack("<I", compression)
    return bytes(data)


def dds(fourcc: bytes) -> bytes:
    data = saved("RGBA", "DDS")
    data[80:88] = struct.pack("<I4s", 4, fourcc)
    return bytes(data)


CASES = {
    "JPEG with 12 bits per channel is not supported": jpeg(bits=12),
    "JPEG with 16 bits per channel is not supported": jpeg(marker=0xC3, bits=16),
    "JPEG with 2 channels is not supported": jpeg(channels=2),
    "JPEG-LS is not supported": jpeg(marker=0xF7),
    "PSD of RGB with 16 bits per channel is not supported": psd(3, 16),
    "PSD of gray with 32 bits per channel is not supported": psd(1, 32),
    "PSD of color mode 5 is not supported": psd(5, 8),
    "JPEG 2000 with 5 channels is not supported": jpeg2000(channels=5),
    "JPEG 2000 with 32 bits per channel is not supported": jpeg2000(bits=32),
    "Unsupported BMP pixel depth (7)": bmp(bits=7),
    "Unsupported BMP compression (4)": bmp(compression=4),
    "Unimplemented pixel format 1094862674": dds(b"RGBA"),
}


@pytest.mark.parametrize(("message", "data"), CASES.items())
def test_a_file_that_is_not_supported_is_not_called_damaged(message: str, data: bytes) -> None:
    with pytest.raises(PictureError, match=re.escape(message)) as caught:
        transform(data, Recipe.of(width=4, format="png"))
    assert caught.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    "data",
    [jpeg(), jpeg(marker=0xC1), jpeg2000(), jpeg2000(boxed=True), bmp(), psd(3, 8), psd(9, 8), b"", b"\xff\xd8\xff"],
)
def test_nothing_is_found_in_other_files(data: bytes) -> None:
    assert find_unsupported(data) == ""


def test_a_boxed_jpeg2000_is_found_as_well() -> None:
    assert find_unsupported(jpeg2000(channels=6, boxed=True)) == "JPEG 2000 with 6 channels"


@pytest.mark.parametrize("data", [jpeg(), psd(3, 16), jpeg2000()])
@given(length=st.integers(0, 200))
def test_headers_that_end_early_are_damaged(data: bytes, length: int) -> None:
    assert isinstance(find_unsupported(data[:length]), str)
    cut = data[: min(length, 20)]
    with pytest.raises(PictureError) as caught:
        transform(cut, Recipe.of(width=4, format="png"))
    assert caught.value.reason in {Reason.DAMAGED, Reason.NOT_A_PICTURE}


def test_a_format_that_pillow_was_built_without_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    data, (reader, accepts) = bytes(saved("RGB", "AVIF")), Image.OPEN["AVIF"]
    assert accepts is not None

    def explain(prefix: bytes) -> bool | str:
        # As in AvifImagePlugin.
        return accepts(prefix) and "image file could not be identified because AVIF support not installed"

    monkeypatch.setitem(Image.OPEN, "AVIF", (reader, explain))
    with pytest.raises(PictureError, match="AVIF support not installed") as caught:
        transform(data, Recipe.of(width=4, format="png"))
    assert caught.value.reason is Reason.UNSUPPORTED


def test_what_decoders_say() -> None:
    for message in (
        "Unsupported BMP compression (4)",
        "unknown raw mode for given image mode",
        "decoder jpeg2k not available",
    ):
        assert says_unsupported(OSError(message))
    assert says_unsupported(NotImplementedError("anything"))
    for message in ("broken data stream when reading image file", "unknown error", "image is unsupported"):
        assert not says_unsupported(OSError(message))
