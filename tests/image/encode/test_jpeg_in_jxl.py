"""JPEG XL as an output: its options, metadata and memory, and JPEGs that are packed into it without loss."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from forkresize.errors import FieldError
from forkresize.extras import install_command
from forkresize.formats import OUTPUT_FORMATS, SPECS, EncodeRequest
from forkresize.image.decode.identify import load_encoders
from forkresize.image.decode.jxl_header import read_header
from forkresize.image.encode.jpeg_in_jxl import pack_jpeg
from forkresize.image.transform import Rendered, transform
from forkresize.recipe import Recipe

pillow_jxl: Any = pytest.importorskip("pillow_jxl")

Scene = Callable[..., Image.Image]


def rendered(image: Image.Image, kind: str = "JPEG", options: dict[str, Any] | None = None, **recipe: Any) -> Rendered:
    image.save(file := io.BytesIO(), kind, **(options or {}))
    [made] = transform(file.getvalue(), Recipe.of(format="jxl", **recipe))
    return made


def restored(data: bytes) -> bytes | None:
    """Return the JPEG that a JPEG XL was made of."""
    is_jpeg, _info, content, *_ = pillow_jxl.Decoder(num_threads=0)(data)
    return bytes(content) if is_jpeg else None


def test_lossless_and_the_highest_quality_are_exact_in_every_mode(scene: Scene) -> None:
    for mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        image = scene(mode)
        for options in ({"lossless": True}, {"quality": 100}):
            made = rendered(image, "PNG", **options)
            header = read_header(io.BytesIO(made.data))
            assert (header.mode, header.bits, header.is_lossy) == (mode, 16 if mode == "I;16" else 8, False)
            assert Image.open(io.BytesIO(made.data)).tobytes() == image.tobytes()
            assert not made.warnings


def test_a_lossy_picture_is_close_and_small(scene: Scene) -> None:
    made = rendered(scene(size=(400, 300)), "PNG")
    assert (made.format, made.media_type, made.quality) == ("jxl", "image/jxl", 77)
    assert len(made.data) < 9000
    searched = rendered(scene(size=(400, 300)), "PNG", ssim=0.97)
    assert searched.ssim is not None
    assert searched.ssim >= 0.97


def test_metadata_is_found_by_other_readers_and_kept_on_the_way_back(scene: Scene) -> None:
    exif = Image.Exif()
    exif.update({0x013B: "Ada", 0x8298: "© Ada", 0x0112: 6})
    made = rendered(scene(), "JPEG", {"exif": exif})
    assert b"\0\0\0\0II*\0" in made.data or b"\0\0\0\0MM\0*" in made.data
    [back] = transform(made.data, Recipe.of(format="jpeg"))
    tags = Image.open(io.BytesIO(back.data)).getexif()
    assert (tags[0x013B], 0x0112 in tags) == ("Ada", False)
    assert made.size == back.size == (80, 120)


def test_effort_compares_with_the_picture_at_its_highest_only_and_memory_follows() -> None:
    output = OUTPUT_FORMATS["jxl"]
    lossy = [EncodeRequest(mode="RGB", quality=80, effort=effort) for effort in range(1, 11)]
    exact = [EncodeRequest(mode="RGB", lossless=True, effort=effort) for effort in range(1, 11)]
    assert [output.options(request)["effort"] for request in lossy] == [1, 2, 3, 3, 4, 5, 6, 6, 7, 8]
    assert [output.options(request)["effort"] for request in exact] == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9]
    assert all(output.options(request)["num_threads"] == 0 for request in lossy)
    costs = [output.memory.for_first_frame(12_000_000, request) / 12e6 for request in (*lossy[-2:], exact[-1])]
    assert costs[0] < 45
    assert costs[1] > 250
    assert costs[2] == costs[0]


def test_a_jpeg_that_only_changes_its_container_can_be_restored(scene: Scene) -> None:
    source = scene(size=(160, 120))
    source.save(plain := io.BytesIO(), "JPEG", quality=90)
    made = rendered(source, options={"quality": 90}, lossless=True)
    assert restored(made.data) == plain.getvalue()
    assert len(made.data) < len(plain.getvalue())
    assert made.quality is None


def test_the_metadata_policy_holds_for_a_packed_jpeg(scene: Scene) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x013B] = "Ada"
    for policy, (has_artist, has_place) in {
        "all": (True, True),
        "safe": (True, False),
        "copyright": (True, False),
        "none": (False, False),
    }.items():
        made = rendered(scene(), options={"exif": exif}, lossless=True, metadata=policy)
        back = restored(made.data)
        assert back is not None
        tags = Image.open(io.BytesIO(back)).getexif()
        assert (0x013B in tags, 0x8825 in tags) == (has_artist, has_place)


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        ({}, {"width": 60}),
        ({}, {"grayscale": True}),
        ({}, {"crop": "50x50+8+8"}),
        ({"exif": {0x0112: 6}}, {}),
    ],
    ids=repr,
)
def test_a_jpeg_whose_pixels_change_is_encoded(options: dict[str, Any], recipe: dict[str, Any], scene: Scene) -> None:
    exif = Image.Exif()
    exif.update(options.get("exif", {}))
    made = rendered(scene(), options={"exif": exif}, lossless=True, **recipe)
    assert restored(made.data) is None


def test_a_color_space_is_packed_only_where_it_is_kept(scene: Scene, rgb_profile: Callable[..., bytes]) -> None:
    options = {"icc_profile": rgb_profile()}
    kept = restored(rendered(scene(), options=options, lossless=True, color="keep").data)
    assert kept is not None
    assert Image.open(io.BytesIO(kept)).info["icc_profile"] == options["icc_profile"]
    converted = rendered(scene(), options=options, lossless=True)
    assert restored(converted.data) is None
    assert read_header(io.BytesIO(converted.data)).mode == "RGB"


def test_a_jpeg_is_packed_instead_of_encoded_if_that_is_smaller(noise: Scene) -> None:
    noisy = noise(size=(96, 64))
    small = rendered(noisy, options={"quality": 20}, quality=95, if_larger="keep-original")
    assert restored(small.data) is not None
    assert small.warnings == ("kept the source's own pixels, which take fewer bytes than encoding them again",)
    assert restored(rendered(noisy, options={"quality": 20}, quality=95).data) is None
    assert restored(rendered(noisy, options={"quality": 95}, quality=20, if_larger="keep-original").data) is None


def test_what_cannot_be_packed_is_encoded(scene: Scene) -> None:
    assert pack_jpeg(jpeg(scene("CMYK")), None) is None
    assert pack_jpeg(jpeg(scene())[:-900], None) is None
    assert restored(rendered(scene("CMYK"), lossless=True).data) is None


def jpeg(image: Image.Image) -> bytes:
    image.save(file := io.BytesIO(), "JPEG")
    return file.getvalue()


def test_without_the_package_the_format_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SPECS["jxl"].decoder
    assert package is not None
    monkeypatch.setattr(type(package), "is_installed", property(lambda _: False))
    with pytest.raises(FieldError, match="JPEG XL cannot be written") as refused:
        load_encoders(Recipe.of(format=["webp", "jxl"]))
    assert refused.value.field == "format"
    assert str(refused.value).endswith(f"{install_command('jxl')} adds it")
    load_encoders(Recipe.of(format="webp"))
