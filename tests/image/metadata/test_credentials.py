"""Content credentials: found in every format that can hold them, as ExifTool finds them, and never lost silently."""

import json
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from forkresize.formats import EXTRAS
from forkresize.image.decode.identify import load_decoder
from forkresize.image.errors import PictureError
from forkresize.image.transform import transform
from forkresize.recipe import IfLarger, Metadata, Recipe

REMOVED = "content credentials removed"

Plant = Callable[[bytes], bytes]


def _box(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), name) + content


def _superbox(kind: bytes, label: bytes, *boxes: bytes) -> bytes:
    uuid = kind + bytes.fromhex("00110010800000aa00389b71")
    return _box(b"jumb", _box(b"jumd", uuid, b"\x03", label, b"\0"), *boxes)


CLAIM = _superbox(b"c2cl", b"c2pa.claim", _box(b"cbor", b"\xa1\x63alg\x66sha256"))
STORE = _superbox(b"c2pa", b"c2pa", _superbox(b"c2ma", b"urn:c2pa:0001", CLAIM))
"""A manifest store of one manifest (JUMBF, ISO/IEC 19566-5); readers of metadata do not check its signature."""

OTHER = _superbox(b"json", b"notes", _box(b"json", b'{"a":1}'))
"""Another kind of JUMBF, not a credential."""

UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def _in_jpeg(data: bytes, store: bytes = STORE) -> bytes:
    content = b"JP" + struct.pack(">HI", 1, 1) + store
    return data[:2] + b"\xff\xeb" + struct.pack(">H", 2 + len(content)) + content + data[2:]


def _chunk(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + b"caBX" + content + struct.pack(">I", zlib.crc32(b"caBX" + content))


def _in_png(data: bytes) -> bytes:
    return data[:33] + _chunk(STORE) + data[33:]


def _behind_pixels(data: bytes) -> bytes:
    return data[:-12] + _chunk(STORE) + data[-12:]


def _in_webp(data: bytes) -> bytes:
    body = data[8:] + b"C2PA" + struct.pack("<I", len(STORE)) + STORE + b"\0" * (len(STORE) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _in_avif(data: bytes) -> bytes:
    (size,) = struct.unpack(">I", data[:4])
    box = _box(b"uuid", UUID, bytes(4), b"manifest\0", bytes(8), STORE)
    # The offsets of the pixels count from the beginning of the file.
    place = data.index(b"iloc")
    moved = bytearray(data)
    for at in range(place, place + 60):
        (offset,) = struct.unpack(">I", data[at : at + 4])
        if data[offset : offset + 2] == b"\x12\x00":
            moved[at : at + 4] = struct.pack(">I", offset + len(box))
            break
    return bytes(moved[:size]) + box + bytes(moved[size:])


def _in_tiff(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as image:
        tags = image.tag_v2  # type: ignore[attr-defined]
        tags[0xCD41] = STORE
        tags.tagtype[0xCD41] = 7
        file = BytesIO()
        image.save(file, "TIFF", tiffinfo=tags)
        return file.getvalue()


def _in_gif(data: bytes) -> bytes:
    blocks = b"".join(bytes([len(STORE[at : at + 255])]) + STORE[at : at + 255] for at in range(0, len(STORE), 255))
    end = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:end] + b"!\xff\x0bC2PA_GIF\x01\0\0" + blocks + b"\0" + data[end:]


def _in_jxl(data: bytes) -> bytes:
    return _boxed(data, STORE)


def _boxed(codestream: bytes, *boxes: bytes) -> bytes:
    """Return a JPEG XL as a file of boxes (ISO/IEC 18181-2)."""
    assert codestream.startswith(b"\xff\x0a")
    ftyp = _box(b"ftyp", b"jxl ", bytes(4), b"jxl ")
    return b"".join([_box(b"JXL ", b"\r\n\x87\n"), ftyp, *boxes, _box(b"jxlc", codestream)])


PLANTS: dict[str, Plant] = {
    "jpg": _in_jpeg,
    "png": _in_png,
    "webp": _in_webp,
    "avif": _in_avif,
    "tif": _in_tiff,
    "gif": _in_gif,
    "jxl": _in_jxl,
}


def _encode(suffix: str) -> bytes:
    image = Image.linear_gradient("L").resize((32, 24)).convert("RGB")
    file = BytesIO()
    if suffix == "jxl":
        pytest.importorskip("pillow_jxl")
        assert load_decoder(EXTRAS["jxl"])
    image.save(file, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    return file.getvalue()


@pytest.mark.parametrize("suffix", PLANTS)
@pytest.mark.parametrize("policy", [Metadata.ALL, Metadata.SAFE, Metadata.COPYRIGHT])
def test_credentials_are_never_removed_silently(suffix: str, policy: Metadata) -> None:
    plain = _encode(suffix)
    recipe = Recipe.of(width=16, metadata=policy, format="jpeg")
    [clean] = transform(plain, recipe, name=f"a.{suffix}")
    [lossy] = transform(PLANTS[suffix](plain), recipe, name=f"a.{suffix}")
    assert REMOVED not in clean.warnings
    assert lossy.warnings.count(REMOVED) == 1
    assert lossy.data == clean.data


def test_credentials_behind_the_pixels_of_a_png_are_found() -> None:
    [made] = transform(_behind_pixels(_encode("png")), Recipe.of(width=16))
    assert made.warnings == (REMOVED,)


def test_credentials_in_a_box_with_a_size_of_64_bits_are_found() -> None:
    content = UUID + bytes(4) + b"manifest\0" + bytes(8) + STORE
    data = _encode("avif") + struct.pack(">I4sQ", 1, b"uuid", 16 + len(content)) + content
    [made] = transform(data, Recipe.of(width=16, format="jpeg"))
    assert made.warnings == (REMOVED,)


def test_every_rendition_says_so() -> None:
    made = transform(_in_jpeg(_encode("jpg")), Recipe.of(width=[8, 16]))
    assert [each.warnings for each in made] == [(REMOVED,)] * 2


def test_all_metadata_can_be_removed_on_purpose_without_a_warning() -> None:
    [made] = transform(_in_jpeg(_encode("jpg")), Recipe.of(width=16, metadata="none"))
    assert made.warnings == ()


def test_other_boxes_of_the_same_kind_cause_no_warning() -> None:
    [made] = transform(_in_jpeg(_encode("jpg"), OTHER), Recipe.of(width=16))
    assert made.warnings == ()


def test_a_file_that_is_copied_keeps_its_credentials() -> None:
    source = BytesIO()
    Image.effect_noise((64, 48), 90).convert("RGB").save(source, "AVIF", quality=40)
    data = _in_avif(source.getvalue())
    recipe = Recipe.of(quality=100, metadata="all", if_larger=IfLarger.KEEP_ORIGINAL)
    [made] = transform(data, recipe, name="a.avif")
    assert made.data == data
    assert REMOVED not in made.warnings


@pytest.mark.parametrize("suffix", PLANTS)
def test_a_damaged_end_causes_no_internal_error(suffix: str) -> None:
    whole = PLANTS[suffix](_encode(suffix))
    for length in (len(whole) - 1, whole.index(b"jumb") + 20):
        # The decoder may refuse the rest.
        with suppress(PictureError):
            transform(whole[:length], Recipe.of(width=16, on_truncated="salvage"), name=f"a.{suffix}")


@pytest.mark.slow
def test_credentials_of_another_signer_are_found(tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    for suffix in PLANTS:
        data = _encode(suffix)
        (tmp_path / f"a.{suffix}").write_bytes(_boxed(data) if suffix == "jxl" else data)
    command = [sys.executable, str(Path(__file__).with_name("sign_credentials.py")), str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    for path in tmp_path.iterdir():
        [made] = transform(path.read_bytes(), Recipe.of(width=16, format="jpeg"), name=path.name)
        assert made.warnings == (REMOVED,), path.name


@pytest.mark.skipif(not shutil.which("exiftool"), reason="ExifTool is not installed")
@pytest.mark.parametrize("suffix", ["jpg", "png", "jxl"])  # those that old versions know
def test_exiftool_finds_them_in_the_same_place(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(PLANTS[suffix](_encode(suffix)))
    command = ["exiftool", "-json", "-G1", "-a", "-u", "-JUMBF:all", str(path)]
    [tags] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    assert tags["JUMBF:JUMDLabel"] == "c2pa"
