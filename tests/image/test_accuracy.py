"""Colors match their definitions, computed here in floating point, to less than the eye sees."""

import io
import re
from collections.abc import Callable, Iterable, Sequence
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from typing import Any

import pytest
from PIL import Image, ImageChops

Make = Callable[..., Image.Image]
Profile = Callable[..., bytes]
Vector = Sequence[float]
Pixel = tuple[int, ...]

VISIBLE = 1.0
"""The difference by CIEDE2000 that counts as seen."""

D50 = 0.9642, 1.0, 0.8249

# Red, green and blue as XYZ under D50, as published with the profiles; the curves are of gamma alone.
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)), 563 / 256
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)), 2.2
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249)), 1.8
LINEAR = ADOBE_RGB[0], 1.0
SPACES = {"adobe": ADOBE_RGB, "p3": DISPLAY_P3, "prophoto": PROPHOTO, "linear": LINEAR}

TO_SRGB = (3.1338561, -1.6168667, -0.4906146), (-0.9787684, 1.9161415, 0.0334540), (0.0719453, -0.2289914, 1.4052427)
"""From XYZ under D50 to linear sRGB (Lindbloom)."""

PATCH = 16
LEVELS = 0, 40, 128, 200, 255
COLORS = [(red, green, blue) for red in LEVELS for green in LEVELS for blue in LEVELS]

NEARLY_LOSSLESS: dict[str, dict[str, Any]] = {
    "jpg": {"quality": 100, "subsampling": 0},
    "png": {},
    "tif": {},
    "webp": {"lossless": True},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
}


def light(value: float, gamma: float) -> float:
    return float((value / 255) ** gamma)


def srgb_light(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def srgb_of_xyz(xyz: Vector) -> list[float]:
    lights = [min(max(dot(row, xyz), 0), 1) for row in TO_SRGB]
    return [12.92 * each if each <= 0.0031308 else 1.055 * each ** (1 / 2.4) - 0.055 for each in lights]


def xyz_of_lab(lab: Vector) -> list[float]:
    middle = (lab[0] + 16) / 116
    roots = middle + lab[1] / 500, middle, middle - lab[2] / 200
    return [
        white * (root**3 if root > 6 / 29 else 3 * (6 / 29) ** 2 * (root - 4 / 29))
        for white, root in zip(D50, roots, strict=True)
    ]


def lab_of_srgb(values: Vector) -> list[float]:
    one, two, three = TO_SRGB
    columns = [cross(two, three), cross(three, one), cross(one, two)]
    determinant = dot(one, columns[0])
    lights = [srgb_light(value) for value in values]
    xyz = [sum(light * column[row] for light, column in zip(lights, columns, strict=True)) for row in range(3)]
    x, y, z = (
        ratio ** (1 / 3) if ratio > (6 / 29) ** 3 else ratio * (29 / 6) ** 2 / 3 + 4 / 29
        for ratio in (value / determinant / white for value, white in zip(xyz, D50, strict=True))
    )
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


def dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def cross(one: Vector, other: Vector) -> list[float]:
    (a, b, c), (d, e, f) = one, other
    return [b * f - c * e, c * d - a * f, a * e - b * d]


def ciede2000(one: Vector, other: Vector) -> float:
    """Sharma, Wu and Dalal: The CIEDE2000 color-difference formula, 2005."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    stretch = 1 + (1 - sqrt(mean**7 / (mean**7 + 25**7))) / 2
    c1, c2 = hypot(a1 * stretch, b1), hypot(a2 * stretch, b2)
    h1, h2 = degrees(atan2(b1, a1 * stretch)) % 360, degrees(atan2(b2, a2 * stretch)) % 360
    turn = 0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    if turn == -180 and h2 > h1:
        turn = 180
    hue = h1 + h2 if c1 * c2 == 0 else h1 + turn / 2
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * cosd(hue - 30) + 0.24 * cosd(2 * hue) + 0.32 * cosd(3 * hue + 6) - 0.20 * cosd(4 * hue - 63)
    sl = 1 + 0.015 * (lightness - 50) ** 2 / sqrt(20 + (lightness - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, 2 * sqrt(c1 * c2) * sin(radians(turn / 2)) / sh
    rotation = -2 * sqrt(chroma**7 / (chroma**7 + 25**7)) * sin(radians(60 * exp(-((((hue % 360) - 275) / 25) ** 2))))
    return sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh)


def cosd(angle: float) -> float:
    return cos(radians(angle))


def patches(mode: str, colors: Sequence[Pixel]) -> Image.Image:
    row = Image.new(mode, (len(colors), 1))
    if len(colors[0]) > 1:
        row.putdata(list(colors))
    else:
        row.putdata([color[0] for color in colors])
    return row.resize((len(colors) * PATCH, PATCH), Image.Resampling.NEAREST)


def shown(image: Image.Image) -> list[Pixel]:
    middles = [image.getpixel((x, PATCH // 2)) for x in range(PATCH // 2, image.width, PATCH)]
    return [pixel if isinstance(pixel, tuple) else (int(pixel or 0),) for pixel in middles]


def encoded(image: Image.Image, suffix: str, profile: bytes) -> bytes:
    file = io.BytesIO()
    image.save(file, Image.registered_extensions()[f".{suffix}"], icc_profile=profile, **NEARLY_LOSSLESS[suffix])
    return file.getvalue()


def worst(made: Iterable[Pixel], expected: Iterable[Vector]) -> float:
    def lab(pixel: Pixel) -> list[float]:
        return lab_of_srgb([value / 255 for value in (pixel * 3)[:3]])

    return max(ciede2000(lab(pixel), lab_of_srgb(values)) for pixel, values in zip(made, expected, strict=True))


def by_matrix(pixel: Pixel, colorants: Sequence[Vector], gamma: float) -> list[float]:
    lights = [light(value, gamma) for value in pixel]
    return srgb_of_xyz([dot(lights, [colorant[row] for colorant in colorants]) for row in range(3)])


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_color_difference_matches_published_values(one: Vector, other: Vector, difference: float) -> None:
    assert ciede2000(one, other) == pytest.approx(difference, abs=5e-5)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("suffix", NEARLY_LOSSLESS)
def test_colors_of_every_source_format_are_reproduced(
    suffix: str, space: str, rgb_profile: Profile, make: Make
) -> None:
    colorants, gamma = SPACES[space]
    source = encoded(patches("RGB", COLORS), suffix, rgb_profile(colorants, gamma))
    expected = [by_matrix(pixel, colorants, gamma) for pixel in shown(Image.open(io.BytesIO(source)))]
    assert worst(shown(make(source, "a", format="png")), expected) <= VISIBLE


@pytest.mark.parametrize(
    ("output", "how", "loss"),
    [
        ("png", {}, 0),
        ("tiff", {}, 0),
        ("webp", {"lossless": True}, 0),
        ("jpeg", {"quality": 100}, 0),
        ("avif", {"quality": 100}, 0.5),
    ],
)
def test_colors_of_every_output_format_are_reproduced(
    output: str, how: dict[str, Any], loss: float, rgb_profile: Profile, make: Make
) -> None:
    source = encoded(patches("RGB", COLORS), "png", rgb_profile(*DISPLAY_P3))
    made = make(source, "a", format=output, subsampling="444" if loss else "auto", **how)
    assert worst(shown(made.convert("RGB")), [by_matrix(pixel, *DISPLAY_P3) for pixel in COLORS]) <= VISIBLE + loss


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_grays_are_reproduced(suffix: str, gamma: float, gray_profile: Profile, make: Make) -> None:
    grays = [(level,) for level in range(0, 256, 5)]
    source = encoded(patches("L", grays), suffix, gray_profile(gamma))
    levels = shown(Image.open(io.BytesIO(source)))
    made = make(source, "a", format="png")
    assert made.mode == "L"
    expected = [srgb_of_xyz([white * light(level, gamma) for white in D50]) for (level,) in levels]
    assert worst(shown(made), expected) <= VISIBLE


def inks_lab(inks: Pixel) -> list[float]:
    """Return the color of full inks, and of one ink in any amount, as the fixture's profile has it."""
    cyan, magenta, yellow, black = (ink / 255 for ink in inks)
    lightness = max(0, 255 - 70 * (cyan + magenta + yellow) - 40 * black) / 255 * 100
    return [lightness, 60 * magenta - 50 * cyan, 70 * yellow - 40 * cyan]


def black_point_compensated(xyz: Vector, black: Vector) -> list[float]:
    """Return what makes a black black: Adobe's paper of 2006, 3."""
    return [white * (value - dark) / (white - dark) for value, dark, white in zip(xyz, black, D50, strict=True)]


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_is_reproduced(suffix: str, cmyk_profile: bytes, make: Make) -> None:
    steps = range(0, 256, 15)
    ramps: list[Pixel] = [tuple(step if each == ink else 0 for each in range(4)) for ink in range(4) for step in steps]
    corners: list[Pixel] = [(255, 255, 0, 0), (255, 0, 255, 0), (0, 255, 255, 0), (0, 0, 255, 255)]
    source = encoded(patches("CMYK", ramps + corners), suffix, cmyk_profile)
    black = xyz_of_lab((inks_lab((255,) * 4)[0], 0, 0))
    expected = [
        srgb_of_xyz(black_point_compensated(xyz_of_lab(inks_lab(inks)), black))
        for inks in shown(Image.open(io.BytesIO(source)))
    ]
    assert worst(shown(make(source, "a", format="png")), expected) <= VISIBLE


def test_cmyk_without_a_profile_is_converted_as_most_programs_do(make: Make) -> None:
    inks = [(c, m, y, k) for c in LEVELS for m in LEVELS for y in (0, 128) for k in LEVELS]
    made = make(patches("CMYK", inks), "a.tif", format="png")
    expected = [[(1 - ink / 255) * (1 - k / 255) for ink in (c, m, y)] for c, m, y, k in inks]
    assert worst(shown(made), expected) <= VISIBLE


@pytest.mark.parametrize("profiled", [True, False])
def test_ycck_is_reproduced(profiled: bool, cmyk_profile: bytes, make: Make) -> None:
    inks = [(c, m, y, 60) for c in LEVELS for m in LEVELS for y in LEVELS]
    profile = cmyk_profile if profiled else b""
    plain = encoded(patches("CMYK", inks), "tif", profile)
    *colors, black = patches("CMYK", inks).split()
    luma = [ImageChops.invert(band) for band in Image.merge("RGB", colors).convert("YCbCr").split()]
    stored = encoded(Image.merge("CMYK", (*luma, black)), "jpg", profile)
    # The last byte of Adobe's segment says that the first three components are YCbCr.
    transformed = re.sub(rb"(\xff\xee..Adobe.{6})\0", b"\\g<1>\x02", stored, count=1, flags=re.DOTALL)
    made, expected = make(transformed, "a", format="png"), make(plain, "b", format="png")
    assert worst(shown(made), [[value / 255 for value in pixel] for pixel in shown(expected)]) <= 2 * VISIBLE


def test_lab_is_reproduced(make: Make) -> None:
    labs = [lab_of_srgb([value / 255 for value in color]) for color in COLORS]
    stored = [(round(lightness * 2.55), round(a) + 128, round(b) + 128) for lightness, a, b in labs]
    made = make(patches("LAB", stored), "a.tif", format="png")
    expected = [srgb_of_xyz(xyz_of_lab((level / 2.55, a - 128, b - 128))) for level, a, b in stored]
    assert worst(shown(made), expected) <= VISIBLE
