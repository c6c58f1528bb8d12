"""Profiles built from primaries and curves."""

import io

import pytest
from PIL import ImageCms

from forkresize.image.color import icc
from forkresize.image.color.cicp import BT709, srgb_curve

D65 = 0.3127, 0.3290

PUBLISHED = {
    "sRGB": (BT709, ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))),
    "Display P3": (
        ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
        ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),
    ),
    "Adobe RGB": (
        ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), D65),
        ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    ),
}


def opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


@pytest.mark.parametrize("name", PUBLISHED)
def test_colorants_are_the_published_ones(name: str) -> None:
    primaries, colorants = PUBLISHED[name]
    profile = opened(icc.color_profile(primaries, srgb_curve())).profile
    built = profile.red_colorant, profile.green_colorant, profile.blue_colorant
    for read, expected in zip(built, colorants, strict=True):
        assert read is not None
        assert read[0] == pytest.approx(expected, abs=4e-4)


def test_a_profile_describes_itself() -> None:
    profile = opened(icc.color_profile(BT709, icc.power(2.2))).profile
    assert (profile.xcolor_space, profile.device_class, profile.connection_space) == ("RGB ", "mntr", "XYZ ")
    assert profile.profile_description == "Built from numbers"
    assert opened(icc.gray_profile(icc.power(2.2))).profile.xcolor_space == "GRAY"


def test_equal_tags_share_their_data() -> None:
    curve = icc.sample_curve([number / 4095 for number in range(4096)])
    profile = icc.color_profile(BT709, curve)
    assert len(profile) < len(curve) + 1000
    assert len(profile) == int.from_bytes(profile[:4])


def test_primaries_that_make_no_white_are_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        icc.color_profile((D65, D65, D65, D65), icc.power(1))
