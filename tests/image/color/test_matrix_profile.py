"""Profiles of a matrix are read as the standard says, and damaged ones are refused."""

import struct
from random import Random

import pytest

from forkresize.image.color import icc
from forkresize.image.color.cicp import BT709, DISPLAY_P3
from forkresize.image.color.convert import srgb_profile
from forkresize.image.color.deep_convert import convert_deep
from forkresize.image.color.matrix_profile import parse_matrix_profile
from forkresize.image.deep_image import DeepImage

SAMPLED = icc.color_profile(DISPLAY_P3, icc.sample_curve([(level / 99) ** 2.4 for level in range(100)]))


def test_the_colorants_are_the_columns_of_the_matrix() -> None:
    space = parse_matrix_profile(srgb_profile())
    assert space
    # As published with sRGB's profile (IEC 61966-2-1), adapted to D50.
    published = (0.4360, 0.3851, 0.1431), (0.2225, 0.7169, 0.0606), (0.0139, 0.0971, 0.7142)
    for row, expected in zip(space.matrix, published, strict=True):
        assert row == pytest.approx(expected, abs=1e-3)


def test_profiles_of_tables_and_for_gray_are_refused(table_profile: bytes) -> None:
    assert parse_matrix_profile(table_profile) is None
    assert parse_matrix_profile(SAMPLED.replace(b"chad", b"A2B0")) is None
    assert parse_matrix_profile(icc.gray_profile(icc.power(2))) is None
    assert parse_matrix_profile(b"") is None


def test_damaged_profiles_are_read_or_refused() -> None:
    random = Random(3)  # noqa: S311 (seeded on purpose)
    image, refused = DeepImage.of_color((2, 2), (1, 2, 3)), 0
    for _ in range(3_000):
        damaged = bytearray(SAMPLED[: random.choice([len(SAMPLED), random.randrange(len(SAMPLED))])])
        for _ in range(random.randrange(9) if damaged else 0):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        refused += convert_deep(image, bytes(damaged), srgb_profile()) is None
    assert 300 < refused < 2_900


@pytest.mark.parametrize(
    ("function", "numbers", "expected"),
    [
        (0, (2.0,), 0.25),
        (1, (2.0, 2.0, -0.5), 0.25),
        (2, (2.0, 2.0, -0.5, 0.125), 0.375),
        (3, (2.0, 1.0, 0.0, 0.5, 0.75), 0.25),
        (4, (2.0, 1.0, 0.0, 0.5, 0.25, 0.125, 0.0), 0.375),
    ],
)
def test_parametric_curves_follow_the_standard(function: int, numbers: tuple[float, ...], expected: float) -> None:
    fixed = struct.pack(f">{len(numbers)}i", *(round(number * 65_536) for number in numbers))
    space = parse_matrix_profile(icc.color_profile(BT709, b"para" + bytes(4) + struct.pack(">HH", function, 0) + fixed))
    assert space
    assert space.curves[0](0.5) == pytest.approx(expected)


def test_curves_of_one_number_and_of_none() -> None:
    for curve, expected in ((struct.pack(">I", 0), 0.5), (struct.pack(">IH", 1, 512), 0.25)):
        space = parse_matrix_profile(icc.color_profile(BT709, b"curv" + bytes(4) + curve))
        assert space
        assert space.curves[2](0.5) == pytest.approx(expected)
