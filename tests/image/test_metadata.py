"""What stays of EXIF, and what must not."""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from forkresize.outcome import Outcome, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]

SECRETS = [b"S3CRET", b"M4KER", b"0WNER"]


def talkative() -> bytes:
    exif = Image.Exif()
    exif.update(
        {Base.Make: "Canon", Base.Model: "EOS", Base.Copyright: "(c) me", Base.Artist: "Me", Base.Orientation: 6}
    )
    exif[0xC62F] = "S3CRET-4"
    exif.get_ifd(IFD.Exif).update(
        {
            Base.DateTimeOriginal: "2024:01:02 03:04:05",
            Base.ExposureTime: 0.25,
            Base.ISOSpeedRatings: 400,
            Base.ColorSpace: 65_535,
            Base.ExifImageWidth: 4000,
            Base.ExifImageHeight: 3000,
            Base.MakerNote: b"M4KER" * 100,
            Base.BodySerialNumber: "S3CRET-1",
            Base.LensSerialNumber: "S3CRET-2",
            Base.ImageUniqueID: "S3CRET-3",
            Base.CameraOwnerName: "0WNER",
        }
    )
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (52.0, 31.0, 12.0)})
    return exif.tobytes()


def written(result: Render, *arguments: object, **recipe: object) -> bytes:
    outcome = result(*arguments, **recipe)
    assert isinstance(outcome, Written), outcome
    assert outcome.destination is not None
    with open(outcome.destination, "rb") as file:
        return file.read()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif"])
def test_what_describes_the_picture_stays_and_what_betrays_its_owner_goes(
    suffix: str, scene: Scene, result: Render
) -> None:
    data = written(result, scene(), f"a.{suffix}", {"exif": talkative()}, width=30)
    exif = Image.open(io.BytesIO(data)).getexif()
    details = exif.get_ifd(IFD.Exif)
    assert exif[Base.Make] == "Canon"
    assert exif[Base.Copyright] == "(c) me"
    assert details[Base.DateTimeOriginal] == "2024:01:02 03:04:05"
    assert details[Base.ExposureTime] == 0.25
    assert details[Base.ISOSpeedRatings] == 400
    assert details[Base.ColorSpace] == 1
    assert not exif.get_ifd(IFD.GPSInfo)
    assert not exif.get_ifd(IFD.IFD1)
    assert exif.get(Base.Orientation, 1) == 1
    assert details.keys().isdisjoint({Base.MakerNote, Base.ExifImageWidth, Base.ExifImageHeight})
    assert [secret for secret in SECRETS if secret in data] == []


def test_the_thumbnail_of_the_source_is_not_carried_along(scene: Scene, result: Render) -> None:
    thumbnail = b"\xff\xd8\xff" + b"TH8MBNAIL" * 50
    block = bytearray(talkative()[6:])
    link = 8 + 2 + 12 * int.from_bytes(block[8:10], "big")
    first = Image.Exif()
    first.load(bytes(block))
    block[link : link + 4] = len(block).to_bytes(4, "big")
    entries = [(0x0201, 4, 1, len(block) + 30), (0x0202, 4, 1, len(thumbnail))]
    block += len(entries).to_bytes(2, "big")
    for tag, kind, count, value in entries:
        block += tag.to_bytes(2, "big") + kind.to_bytes(2, "big") + count.to_bytes(4, "big") + value.to_bytes(4, "big")
    block += bytes(4) + thumbnail
    data = written(result, scene(), "a.jpg", {"exif": b"Exif\0\0" + bytes(block)}, width=30)
    assert b"TH8MBNAIL" not in data
    assert b"Canon" in data


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("exif", [b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x05\1\x0f", b"Exif\0\0garbage!" * 9])
def test_damaged_exif_is_told_of_and_dropped(exif: bytes, suffix: str, scene: Scene, result: Render) -> None:
    outcome = result(scene(), f"a.{suffix}", {"exif": exif}, width=30)
    assert isinstance(outcome, Written)
    assert outcome.out_size == (30, 20)
    assert outcome.warnings


def test_damaged_details_cost_the_exif_and_not_the_picture(
    scene: Scene, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise ValueError("odd")

    monkeypatch.setattr(Image.Exif, "get_ifd", fail)
    exif = Image.Exif()
    exif[Base.Make] = "Canon"
    outcome = result(scene(), "a.jpg", {"exif": exif.tobytes()}, width=30)
    assert isinstance(outcome, Written)
    assert outcome.warnings == ("damaged EXIF was dropped: odd",)


def test_exif_that_says_nothing_is_no_cause_for_a_warning(scene: Scene, make: Make) -> None:
    empty = b"Exif\0\0MM\0\x2a\0\0\0\x08" + bytes(30)
    assert "exif" not in make(scene(), "a.jpg", {"exif": empty}, width=30).info


def test_exif_with_nothing_worth_keeping_leaves_none(scene: Scene, make: Make) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 1
    assert "exif" not in make(scene(), "a.jpg", {"exif": exif.tobytes()}, width=30).info


def test_exif_too_long_for_a_jpeg_is_told_of_and_dropped(scene: Scene, result: Render) -> None:
    exif = Image.Exif()
    exif[Base.ImageDescription] = "x" * 66_000
    outcome = result(scene(), "a.png", {"exif": exif.tobytes()}, width=30, format="jpeg")
    assert isinstance(outcome, Written)
    assert outcome.warnings == ("66034 bytes of EXIF are more than a JPEG holds, so none was kept",)


def test_comments_and_text_are_dropped(scene: Scene, result: Render) -> None:
    assert b"S3CRET" not in written(result, scene(), "a.jpg", {"comment": b"S3CRET"}, width=30)
    assert b"S3CRET" not in written(result, scene(), "a.gif", {"comment": b"S3CRET"}, width=30)
    assert b"S3CRET" not in written(result, scene(), "b.jpg", {"xmp": b"<x:xmpmeta>S3CRET</x:xmpmeta>"}, width=30)
