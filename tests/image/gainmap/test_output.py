"""The gain map of a JPEG goes through crops, turns and scaling with its picture, as libvips sees it."""

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from forkresize.image.decode.gain_map import has_gain_map
from forkresize.image.gainmap import apple
from forkresize.image.transform import Rendered, transform
from forkresize.recipe import Recipe

Hdr = Callable[..., bytes]
Scene = Callable[..., Image.Image]
Profile = Callable[..., bytes]

ADOBE, CONTAINER = "http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.google.com/photos/1.0/container/"
ISO_NAME = b"urn:iso:std:iso:ts:21496:-1\0"
STOPS = 2.0

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" {}</rdf:Description></rdf:RDF></x:xmpmeta>'
)
MAP_XMP = (
    f'xmlns:hdrgm="{ADOBE}" hdrgm:Version="1.0" hdrgm:GainMapMax="{STOPS}" hdrgm:HDRCapacityMin="0" '
    f'hdrgm:HDRCapacityMax="{STOPS}">'
    "<hdrgm:OffsetHDR>0.015625</hdrgm:OffsetHDR>"
)


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def iso(channels: int = 1, stops: float = STOPS) -> bytes:
    """Return a description by ISO 21496-1: fractions of a numerator and a denominator."""
    content = struct.pack(">HHB", 0, 0, 0x80 if channels > 1 else 0) + struct.pack(">4I", 0, 1, int(stops * 64), 64)
    for _channel in range(channels):
        content += struct.pack(">iIiIIIiIiI", 0, 1, int(stops * 64), 64, 1, 1, 1, 64, 1, 64)
    return content


def save(image: Image.Image, xmp: str = "", iso: bytes = b"", **options: Any) -> bytes:
    """Return a JPEG with a segment of XMP and of ISO 21496-1."""
    image.save(file := io.BytesIO(), "JPEG", quality=95, **options)
    data = file.getvalue()
    added = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP.format(xmp).encode()) if xmp else b""
    added += segment(0xE2, ISO_NAME + iso) if iso else b""
    return data[:2] + added + data[2:]


def join(primary: bytes, other: bytes) -> bytes:
    """Put two JPEGs into one file, with an index of both (CIPA DC-007, 5.2)."""
    start = 8 + 2 + 3 * 12 + 4
    header = struct.pack("<2sHIH", b"II", 42, 8, 3) + struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    header += struct.pack("<HHII", 0xB001, 4, 1, 2) + struct.pack("<HHII", 0xB002, 7, 32, start) + bytes(4)
    length = len(primary) + 8 + start + 32
    # The offset counts from behind the name, which is at the very beginning here.
    table = struct.pack("<IIIHH", 0x030000, length, 0, 0, 0) + struct.pack("<IIIHH", 0, len(other), length - 10, 0, 0)
    return primary[:2] + segment(0xE2, b"MPF\0" + header + table) + primary[2:] + other


def ultra_hdr(
    base: Image.Image, gain_map: Image.Image, kind: str = "both", map_xmp: str = MAP_XMP, **options: Any
) -> bytes:
    """Return an Ultra HDR JPEG, described by XMP, by ISO 21496-1, or by both."""
    channels = len(gain_map.getbands())
    has_xmp, has_iso = kind in {"xmp", "both"}, kind in {"iso", "both"}
    other = save(gain_map, map_xmp if has_xmp else "", iso(channels) if has_iso else b"")
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{name}"'
        f' Item:Mime="image/jpeg" Item:Length="{size}"/></rdf:li>'
        for name, size in (("Primary", 0), ("GainMap", len(other)))
    )
    own = (
        f'xmlns:hdrgm="{ADOBE}" xmlns:Container="{CONTAINER}" xmlns:Item="{CONTAINER}item/" hdrgm:Version="1.0">'
        f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"
    )
    return join(save(base, own if has_xmp else "", bytes(4) if has_iso else b"", **options), other)


@pytest.fixture
def hdr() -> Callable[..., bytes]:
    """Return an Ultra HDR JPEG of a gradient and a lamp: ``hdr(size, kind, mode, **save options)``."""

    def build(size: tuple[int, int] = (640, 400), kind: str = "both", mode: str = "L", **options: Any) -> bytes:
        lamp = Image.radial_gradient("L").point(lambda level: max(0, min(255, 400 - 3 * level)))
        gain_map = Image.new("L", (size[0] // 4, size[1] // 4))
        gain_map.paste(lamp.resize((size[0] // 6, size[1] // 6)), (size[0] // 20, size[1] // 20))
        slope = Image.linear_gradient("L").point(lambda level: 100 + level // 2)
        planes = slope, slope.rotate(90), slope.rotate(180)
        return ultra_hdr(Image.merge("RGB", planes).resize(size), gain_map.convert(mode), kind, **options)

    return build


def render(data: bytes, **recipe: Any) -> Rendered:
    [made] = transform(data, Recipe.of(**recipe))
    return made


def is_hdr(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        return has_gain_map(image)


def light(data: bytes) -> Any:
    """Return the HDR picture in linear light, as libvips makes it."""
    pyvips: Any = pytest.importorskip("pyvips")
    image = pyvips.Image.new_from_buffer(data, "")
    assert image.get("vips-loader") == "uhdrload_buffer", "libvips does not see Ultra HDR"
    return image.uhdr2scRGB()


def means(image: Any) -> list[float]:
    """Return the mean light of each of 4 x 4 parts."""
    width, height = image.width // 4, image.height // 4
    places = [(column * width, row * height) for row in range(4) for column in range(4)]
    return [image.crop(left, top, width, height).avg() for left, top in places]


@pytest.mark.parametrize("kind", ["xmp", "iso", "both"])
@pytest.mark.parametrize(
    ("recipe", "change"),
    [
        ({"width": 160}, lambda whole: whole.resize(0.25, kernel="linear")),
        ({"width": 160, "metadata": "none"}, lambda whole: whole.resize(0.25, kernel="linear")),
        (
            {"crop": "400x300+20+40", "width": 100},
            lambda whole: whole.crop(20, 40, 400, 300).resize(0.25, kernel="linear"),
        ),
        ({"rotate": 90, "height": 160}, lambda whole: whole.rot90().resize(0.25, kernel="linear")),
        ({"flip": "h", "width": 160}, lambda whole: whole.fliphor().resize(0.25, kernel="linear")),
        (
            {"width": 100, "height": 100, "fit": "cover"},
            lambda whole: whole.crop(120, 0, 400, 400).resize(0.25, kernel="linear"),
        ),
        ({}, lambda whole: whole),
    ],
    ids=lambda value: "" if callable(value) else repr(value),
)
def test_hdr_is_that_of_the_source_reduced_in_light(
    kind: str, recipe: dict[str, Any], change: Callable[[Any], Any], hdr: Hdr
) -> None:
    source = hdr(kind=kind)
    made = render(source, **recipe)
    assert made.warnings == ()
    expected, found = change(light(source)), light(made.data)
    assert (found.width, found.height) == made.size == (expected.width, expected.height)
    assert found.max() == pytest.approx(expected.max(), rel=0.05)
    # Where it is bright, and not only how bright.
    assert means(found) == pytest.approx(means(expected), rel=0.05)


@pytest.mark.slow
def test_the_peak_of_a_large_picture_is_kept(hdr: Hdr) -> None:
    source = hdr((3840, 2160))
    made = render(source, width=800)
    whole = light(source)
    assert light(made.data).max() == pytest.approx(whole.resize(800 / 3840, kernel="linear").max(), rel=0.05)
    # Of a crop at the top, no more rows are decoded than it shows.
    upper = render(source, crop="3840x700+0+0", width=960)
    expected = whole.crop(0, 0, 3840, 700).resize(0.25, kernel="linear")
    assert means(light(upper.data)) == pytest.approx(means(expected), rel=0.05)


def test_a_picture_that_is_stored_sideways_is_turned_with_its_map(hdr: Hdr) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = hdr(exif=exif)
    found, expected = light(render(source, height=160).data), light(source).rot90().resize(0.25, kernel="linear")
    assert (found.width, found.height) == (100, 160)
    assert found.crop(0, 0, 50, 80).max() == pytest.approx(expected.crop(0, 0, 50, 80).max(), rel=0.05)
    assert found.crop(50, 0, 50, 80).max() == pytest.approx(expected.crop(50, 0, 50, 80).max(), rel=0.05)


def test_outputs_can_be_made_from_outputs(hdr: Hdr) -> None:
    once = render(hdr(), width=320)
    assert is_hdr(render(once.data, width=160).data)
    for options in ({"if_larger": "keep-original"}, {"if_larger": "keep-original", "metadata": "all"}):
        again = render(once.data, quality=100, **options)
        assert again.warnings == ("kept the source's own pixels, which take fewer bytes than encoding them again",)
        assert light(again.data).max() == pytest.approx(light(once.data).max(), rel=0.02)


@pytest.mark.parametrize("kind", ["xmp", "iso", "both"])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("policy", ["all", "safe", "none"])
def test_without_loss_the_coded_pixels_of_both_stay(kind: str, orientation: int, policy: str, hdr: Hdr) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = hdr(kind=kind, exif=exif)
    made = render(source, lossless=True, metadata=policy)
    assert made.warnings == ()
    assert len(made.data) <= len(source)
    found, expected = light(made.data), light(source)
    assert (found - expected).abs().max() == 0
    assert made.size == ((400, 640) if orientation > 4 else (640, 400))
    # Once more, nothing is left to win.
    assert render(made.data, lossless=True, metadata=policy).data == made.data


def test_without_loss_a_damaged_map_is_dropped_with_a_warning(scene: Scene) -> None:
    made = render(ultra_hdr(scene(), scene("L"), "xmp", MAP_XMP.replace("GainMapMax", "Other")), lossless=True)
    assert made.warnings[0].startswith("its HDR part was dropped: its gain map has no GainMapMax")
    assert not is_hdr(made.data)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ({"format": "webp"}, "it is not written to WEBP"),
        ({"grayscale": True}, "the step grayscale does not apply to it"),
        ({"blur": 2}, "the step blur does not apply to it"),
        ({"border": 2}, "the step border does not apply to it"),
        ({"rotate": 3}, "the step rotate does not apply to it"),
        ({"watermark_text": "x"}, "the step watermark does not apply to it"),
        ({"width": 80, "height": 80, "fit": "contain"}, "padding does not apply to it"),
        ({"max_bytes": 3000}, "its gain map takes "),
    ],
    ids=repr,
)
def test_what_changes_or_covers_pixels_drops_the_map_with_a_warning(
    recipe: dict[str, Any], reason: str, hdr: Hdr
) -> None:
    made = render(hdr(), **recipe)
    [warning] = made.warnings
    assert warning.startswith(f"its HDR part was dropped: {reason}")
    assert not is_hdr(made.data)


def test_a_limit_of_bytes_covers_the_map(hdr: Hdr) -> None:
    made = render(hdr(), max_bytes=9000)
    assert is_hdr(made.data)
    assert len(made.data) <= 9000


def test_a_map_with_colors_is_kept_in_the_color_space_of_the_source_only(hdr: Hdr, rgb_profile: Profile) -> None:
    source = hdr(mode="RGB", icc_profile=rgb_profile())
    assert is_hdr(render(source, width=160, color="keep").data)
    assert is_hdr(render(hdr(mode="RGB"), width=160).data)
    assert "its gain differs between color channels" in render(source, width=160).warnings[0]
    # A gray map brightens all channels alike.
    assert is_hdr(render(hdr(icc_profile=rgb_profile()), width=160).data)


def test_metadata_is_that_of_the_policy_and_the_map_has_none(hdr: Hdr) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    for policy, is_kept in (("none", False), ("safe", True), ("all", True)):
        made = render(hdr(exif=exif), width=160, metadata=policy).data
        assert is_hdr(made)
        assert (Image.open(io.BytesIO(made)).getexif().get(0x013B) == "Ada") is is_kept
        assert made.count(b"Exif\0\0") == int(is_kept)


@pytest.mark.parametrize(
    ("map_xmp", "reason"),
    [
        (MAP_XMP.replace("GainMapMax", "Other"), "its gain map has no GainMapMax"),
        (MAP_XMP.replace(f'GainMapMax="{STOPS}"', 'GainMapMax="much"'), "its gain map has an invalid GainMapMax"),
        (MAP_XMP.replace(f'GainMapMax="{STOPS}"', 'GainMapMax="nan"'), "its gain map has an invalid GainMapMax"),
        (f'hdrgm:BaseRenditionIsHDR="True" {MAP_XMP}', "its gain map makes the standard range of HDR"),
        (MAP_XMP.replace("</hdrgm:OffsetHDR>", ""), "the XMP of its gain map is damaged"),
    ],
)
def test_an_invalid_description_drops_the_map(map_xmp: str, reason: str, scene: Scene) -> None:
    made = render(ultra_hdr(scene(), scene("L"), "xmp", map_xmp), width=60)
    assert made.warnings[0].startswith(f"its HDR part was dropped: {reason}")


@pytest.mark.parametrize("change", [iso()[:-1], iso() + b"x", b"\0\x01" + iso()[2:], iso()[:9] + bytes(4) + iso()[13:]])
def test_an_invalid_description_by_iso_drops_the_map(change: bytes, scene: Scene) -> None:
    source = join(save(scene(), "", bytes(4)), save(scene("L"), "", change))
    assert "its HDR part was dropped: " in render(source, width=60).warnings[0]


def test_a_cut_or_oversized_map_is_dropped(hdr: Hdr, scene: Scene) -> None:
    assert "is damaged" in render(hdr()[:-700], width=60).warnings[0] or is_hdr(render(hdr()[:-700], width=60).data)
    source = ultra_hdr(scene(), scene("L", (240, 160)))
    assert render(source, width=60).warnings == (
        "its HDR part was dropped: its gain map has more pixels than the picture",
    )


NOTE = "http://ns.apple.com/HDRGainMap/1.0/"


def note(first: float, second: float) -> bytes:
    """Return a maker note of Apple with the two numbers that make the headroom."""
    entries = b"".join(struct.pack(">HHII", tag, 10, 1, 48 + 8 * place) for place, tag in enumerate((33, 48)))
    numbers = b"".join(struct.pack(">ii", round(value * 1000), 1000) for value in (first, second))
    return (b"Apple iOS\0\0\1MM" + struct.pack(">H", 2) + entries).ljust(48, b"\0") + numbers


@pytest.mark.parametrize(
    ("numbers", "headroom"),
    [((1.0, 0.0), 8.0), ((1.0, 0.2), 2 ** (2.303 - 0.303 * 0.2)), ((0.5, 0.0), 2**1.8), (None, 3.0)],
)
def test_apples_maps_become_ultra_hdr(numbers: tuple[float, float] | None, headroom: float, scene: Scene) -> None:
    text = f'xmlns:g="{NOTE}" g:HDRGainMapVersion="65536"' + ("" if numbers else f' g:HDRGainMapHeadroom="{headroom}"')
    exif = Image.Exif()
    if numbers:
        exif.get_ifd(0x8769)[0x927C] = note(*numbers)
    white = Image.new("RGB", (160, 120), (255, 255, 255))
    other = Image.new("L", (80, 60), 255)
    other.paste(0, (0, 0, 40, 60))
    source = join(save(white, exif=exif), save(other, text + ">"))
    for made, scale in ((render(source, width=80), 1), (render(source, lossless=True), 2)):
        assert made.warnings == ()
        found = light(made.data)
        assert found.crop(50 * scale, 0, 30 * scale, 60 * scale).avg() == pytest.approx(headroom, rel=0.03)
        assert found.crop(0, 0, 30 * scale, 60 * scale).avg() == pytest.approx(1, rel=0.03)


def test_an_apple_map_without_its_headroom_is_dropped(scene: Scene) -> None:
    source = join(save(scene()), save(scene("L"), f'xmlns:g="{NOTE}" g:HDRGainMapVersion="65536">'))
    assert render(source, width=60).warnings == ("its HDR part was dropped: the headroom of its gain map is unknown",)


def test_the_curve_of_apples_maps_makes_logarithms_of_light() -> None:
    levels = apple.curve(8.0)
    assert (levels[0], levels[-1]) == (0, 255)
    assert list(levels) == sorted(levels)
