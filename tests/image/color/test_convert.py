"""Colors become sRGB by any profile."""

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops, ImageCms

from forkresize.image.color import convert
from forkresize.outcome import Outcome, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]
Profile = Callable[..., bytes]

SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
"""The colorants of sRGB as XYZ under D50."""

DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def farthest(one: Image.Image, other: Image.Image) -> int:
    bands = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).split()
    return max(band.getextrema()[1] for band in bands)  # type: ignore[return-value]


def by_littlecms(image: Image.Image, profile: bytes, mode: str = "RGB") -> Image.Image:
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        mode,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
    )
    assert converted is not None
    return converted


@pytest.mark.parametrize("colorants", [None, DISPLAY_P3])
def test_wide_gamuts_are_converted(colorants: object, scene: Scene, rgb_profile: Profile, make: Make) -> None:
    profile = rgb_profile() if colorants is None else rgb_profile(colorants)
    made = make(scene(), "a.png", {"icc_profile": profile})
    assert farthest(made, scene()) > 20
    assert farthest(made, by_littlecms(scene(), profile)) <= 1
    assert "icc_profile" not in made.info


def test_a_color_known_from_its_definition_is_reproduced(rgb_profile: Profile, make: Make) -> None:
    # Adobe RGB's (219, 0, 0) is XYZ red scaled, which is sRGB's (255, 0, 0) to within its rounding.
    made = make(Image.new("RGB", (8, 8), (219, 0, 0)), "a.png", {"icc_profile": rgb_profile()})
    red, green, blue = made.getpixel((4, 4))  # type: ignore[misc]
    assert red >= 252
    assert max(green, blue) <= 6


def test_alpha_is_left_alone(scene: Scene, rgb_profile: Profile, make: Make) -> None:
    made = make(scene("RGBA"), "a.png", {"icc_profile": rgb_profile()})
    assert made.getchannel("A").tobytes() == scene("RGBA").getchannel("A").tobytes()
    assert farthest(made, by_littlecms(scene(), rgb_profile())) <= 1


def test_a_profile_that_is_srgb_changes_no_pixel(scene: Scene, make: Make) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = make(scene(), "a.png", {"icc_profile": profile})
    assert made.tobytes() == scene().tobytes()
    assert "icc_profile" not in made.info


def test_gray_stays_gray_through_its_profile(scene: Scene, gray_profile: Profile, make: Make) -> None:
    made = make(scene("L"), "a.png", {"icc_profile": gray_profile(1.0)})
    assert made.mode == "L"
    # Linear light: an eighth of the light is 0.3885 of the way in sRGB.
    linear = make(Image.new("L", (8, 8), 32), "b.png", {"icc_profile": gray_profile(1.0)})
    assert abs(linear.getpixel((4, 4)) - 99) <= 1  # type: ignore[operator]


def test_gray_with_alpha_keeps_its_alpha(scene: Scene, gray_profile: Profile, make: Make) -> None:
    made = make(scene("LA"), "a.png", {"icc_profile": gray_profile(1.0)})
    plain = make(scene("L"), "b.png", {"icc_profile": gray_profile(1.0)})
    assert made.getchannel("A").tobytes() == scene("LA").getchannel("A").tobytes()
    assert made.getchannel("L").tobytes() == plain.tobytes()


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_under_a_color_profile_is_converted_and_stays_gray(
    mode: str, scene: Scene, rgb_profile: Profile, make: Make
) -> None:
    made = make(scene(mode), "a.png", {"icc_profile": rgb_profile(SRGB, 1.0)})
    assert made.mode == mode
    expected = by_littlecms(scene("L").convert("RGB"), rgb_profile(SRGB, 1.0))
    assert farthest(made.getchannel("L"), expected) <= 1


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_gray_keeps_pixels_and_profile(
    suffix: str, scene: Scene, gray_profile: Profile, make: Make
) -> None:
    made = make(scene("I;16"), f"a.{suffix}", {"icc_profile": gray_profile(1.8)})
    assert made.info["icc_profile"] == gray_profile(1.8)
    assert made.tobytes() == scene("I;16").tobytes()


@pytest.mark.parametrize("kind", ["garbage", "truncated", "for gray"])
def test_an_unusable_profile_is_ignored_with_a_warning(
    kind: str, scene: Scene, rgb_profile: Profile, gray_profile: Profile, result: Render
) -> None:
    profile = {"garbage": b"x" * 200, "truncated": rgb_profile()[:150], "for gray": gray_profile(1.8)}[kind]
    outcome = result(scene(), "a.png", {"icc_profile": profile}, width=30)
    assert isinstance(outcome.detail, Written)
    [warning] = outcome.warnings
    assert warning.startswith("assuming sRGB: cannot use the color profile: ")


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_becomes_rgb_and_its_inks_are_not_inverted(suffix: str, make: Make) -> None:
    made = make(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), f"a.{suffix}", width=32)
    assert made.mode == "RGB"
    red, green, blue = made.getpixel((16, 16))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 80


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_follows_its_profile(suffix: str, scene: Scene, cmyk_profile: bytes, make: Make) -> None:
    image = scene("CMYK")
    options = {"icc_profile": cmyk_profile, **({"quality": 100} if suffix == "jpg" else {})}
    made = make(image, f"a.{suffix}", options, format="png")
    assert farthest(made, by_littlecms(image, cmyk_profile)) <= (8 if suffix == "jpg" else 1)
    assert farthest(made, image) > 50


def test_one_profile_is_read_once(scene: Scene, rgb_profile: Profile, make: Make) -> None:
    profile = rgb_profile(gamma=2.5)
    make(scene(), "a.png", {"icc_profile": profile})
    before = convert._cached_transform.cache_info().hits  # noqa: SLF001
    make(scene(), "b.png", {"icc_profile": profile})
    assert convert._cached_transform.cache_info().hits == before + 1  # noqa: SLF001
