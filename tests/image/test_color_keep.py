"""Colors that stay in the source's color space keep their profile."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from forkresize.outcome import Outcome, Written

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Profile = Callable[..., bytes]

HOLDING = ["jpeg", "png", "webp", "avif", "tiff"]
"""The formats that hold a profile."""


def srgb(image: Image.Image) -> Image.Image:
    """Return what a color-managed program shows."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB")
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
    )
    assert converted is not None
    return converted


def apart(one: Image.Image, other: Image.Image) -> float:
    """Return how far the mean colors of two pictures are apart, in the worst channel."""
    mine, theirs = (ImageStat.Stat(each.convert("RGB")).mean for each in (one, other))
    return max(abs(a - b) for a, b in zip(mine, theirs, strict=True))


def written(outcome: Outcome) -> Image.Image:
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.destination is not None
    with Image.open(outcome.destination) as image:
        image.load()
    return image


@pytest.mark.parametrize("output", HOLDING)
def test_a_profile_stays_with_its_pixels(output: str, scene: Scene, rgb_profile: Profile, make: Make) -> None:
    made = make(scene(), "a.png", {"icc_profile": rgb_profile()}, format=output, color="keep", width=60)
    assert made.info["icc_profile"] == rgb_profile()
    assert apart(made, scene()) < 2


@pytest.mark.parametrize("output", ["gif", None])
def test_colors_are_converted_where_no_profile_can_be(
    output: str | None, scene: Scene, rgb_profile: Profile, make: Make
) -> None:
    name = "a.png" if output else "a.bmp"
    options = {"icc_profile": rgb_profile()}
    converted = make(scene(), "b.png", options)
    made = make(scene(), name, options if output else {}, format=output, color="keep")
    assert "icc_profile" not in made.info
    assert apart(made, converted if output else scene()) < 2


@pytest.mark.parametrize("mode", ["L", "LA"])
@pytest.mark.parametrize("output", HOLDING)
def test_a_profile_for_gray_goes_with_gray_alone(
    output: str, mode: str, scene: Scene, gray_profile: Profile, make: Make
) -> None:
    made = make(scene(mode), "a.png", {"icc_profile": gray_profile(1.0)}, format=output, color="keep", width=60)
    profile = made.info.get("icc_profile")
    assert profile in {None, gray_profile(1.0)}
    assert profile is None or made.mode in {"L", "LA"}
    assert profile is not None or (output, mode) not in {("jpeg", "L"), ("png", "L"), ("png", "LA"), ("tiff", "L")}
    expected = make(scene(mode), "b.png", {"icc_profile": gray_profile(1.0)}, format=output, width=60)
    assert apart(srgb(made.convert("L") if made.mode == "LA" else made), expected) < 3


def test_a_profile_for_colors_never_goes_with_gray(scene: Scene, rgb_profile: Profile, make: Make) -> None:
    made = make(scene("L"), "a.png", {"icc_profile": rgb_profile(gamma=1.0)}, color="keep")
    assert made.mode == "L"
    assert "icc_profile" not in made.info
    assert made.tobytes() == make(scene("L"), "b.png", {"icc_profile": rgb_profile(gamma=1.0)}).tobytes()


@pytest.mark.parametrize("output", ["jpeg", "tiff"])
def test_cmyk_is_kept(output: str, scene: Scene, cmyk_profile: bytes, make: Make) -> None:
    made = make(scene("CMYK"), "a.tif", {"icc_profile": cmyk_profile}, format=output, color="keep", width=60)
    assert made.mode == "CMYK"
    assert made.info["icc_profile"] == cmyk_profile
    expected = make(scene("CMYK"), "b.tif", {"icc_profile": cmyk_profile}, format=output, width=60)
    assert apart(srgb(made), expected) < 3


@pytest.mark.parametrize("output", ["jpeg", "tiff"])
def test_cmyk_without_a_profile_is_kept(output: str, scene: Scene, make: Make) -> None:
    made = make(scene("CMYK"), "a.tif", format=output, color="keep", width=60)
    assert made.mode == "CMYK"
    assert "icc_profile" not in made.info


@pytest.mark.parametrize(
    "step",
    [
        {"width": 60, "height": 60, "fit": "contain"},
        {"border": 5},
        {"blur": 2},
        {"grayscale": True},
        {"watermark_text": "A"},
    ],
)
def test_painted_cmyk_becomes_srgb(step: dict[str, Any], scene: Scene, cmyk_profile: bytes, make: Make) -> None:
    made = make(scene("CMYK"), "a.tif", {"icc_profile": cmyk_profile}, format="jpeg", color="keep", **step)
    expected = make(scene("CMYK"), "b.tif", {"icc_profile": cmyk_profile}, format="jpeg", **step)
    assert made.mode in {"RGB", "L"}
    assert "icc_profile" not in made.info
    assert apart(made, expected) < 2


SWAPPED = (0.1492, 0.0632, 0.7446), (0.2053, 0.6257, 0.0609), (0.6097, 0.3111, 0.0195)
"""Colorants of a space whose red is blue."""

RED, GREEN, BLUE = (255, 0, 0, 255), (0, 90, 0, 255), (0, 90, 250, 255)

PAINTED = [
    {"grayscale": True},
    {"watermark_text": "A"},
    {"border": 9, "background": RED},
    {"rotate": 30, "background": GREEN},
    {"width": 60, "height": 60, "fit": "contain", "background": BLUE},
]


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16"])
@pytest.mark.parametrize("step", PAINTED)
@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif"])
def test_painted_colors_are_exact(
    output: str,
    step: dict[str, Any],
    mode: str,
    scene: Scene,
    gray_profile: Profile,
    rgb_profile: Profile,
    result: Callable[..., Outcome],
) -> None:
    profile = rgb_profile(SWAPPED) if mode == "RGB" else gray_profile(1.0)

    def made(color: str) -> Image.Image:
        image = written(result(scene(mode), "a.png", {"icc_profile": profile}, format=output, color=color, **step))
        return srgb(image.convert("RGB") if image.mode == "RGBA" else image)

    assert apart(made("keep"), made("srgb")) < 3
    if "background" in step:
        off = ImageChops.difference(made("keep").crop((0, 0, 4, 4)), Image.new("RGB", (4, 4), step["background"][:3]))
        assert max(ImageStat.Stat(off).mean) < 15


@pytest.mark.parametrize("color", ["keep", "srgb"])
def test_black_and_white_are_painted_in_any_space(color: str, scene: Scene, rgb_profile: Profile, make: Make) -> None:
    how = {"border": 5, "background": (255, 255, 255, 255), "color": color}
    made = make(scene(), "a.png", {"icc_profile": rgb_profile()}, **how)
    assert made.info.get("icc_profile") == (rgb_profile() if color == "keep" else None)
    assert made.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("output", ["avif", "webp"])
def test_gray_rotated_on_a_transparent_background_gets_alpha(
    output: str, scene: Scene, gray_profile: Profile, make: Make
) -> None:
    how = {"rotate": 30, "background": (255, 255, 255, 0), "format": output}
    made = make(scene("L"), "a.png", {"icc_profile": gray_profile(1.0)}, color="keep", **how)
    assert made.mode == "RGBA"
    assert "icc_profile" not in made.info


def test_deep_gray_under_srgb_stays_deep(scene: Scene, make: Make) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = make(scene("I;16"), "a.png", {"icc_profile": profile})
    assert "icc_profile" not in made.info
    assert made.tobytes() == scene("I;16").tobytes()


def test_deep_gray_under_other_colors_becomes_8_bits_of_srgb(
    scene: Scene, rgb_profile: Profile, result: Callable[..., Outcome]
) -> None:
    outcome = result(scene("I;16"), "a.png", {"icc_profile": rgb_profile(gamma=1.0)})
    made = written(outcome)
    assert outcome.warnings == ("reduced from 16 to 8 bits per channel: an operation supports only 8",)
    assert made.mode == "L"
    assert "icc_profile" not in made.info
    assert apart(made, scene("L")) > 20


def test_deep_gray_is_converted_where_no_profile_can_be(
    scene: Scene, gray_profile: Profile, make: Make, result: Callable[..., Outcome]
) -> None:
    source = io.BytesIO()
    scene("I;16").save(source, "PNG", icc_profile=gray_profile(1.0))
    made = written(result(source.getvalue(), "a.png", format="gif"))
    assert apart(made, make(scene("L"), "b.png", {"icc_profile": gray_profile(1.0)})) < 2


def test_values_without_a_range_lose_a_profile_that_is_not_for_gray(
    rgb_profile: Profile, gray_profile: Profile, result: Callable[..., Outcome]
) -> None:
    image = Image.linear_gradient("L").convert("F").point(lambda value: value * 1000 + 0)
    outcome = result(image, "a.tif", {"icc_profile": rgb_profile()})
    assert "icc_profile" not in written(outcome).info
    assert outcome.warnings == ("dropped the color profile: it is not for gray",)
    kept = written(result(image, "b.tif", {"icc_profile": gray_profile(1.8)}))
    assert kept.info["icc_profile"] == gray_profile(1.8)


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16"])
def test_a_profile_that_cannot_be_used_is_not_kept(mode: str, scene: Scene, result: Callable[..., Outcome]) -> None:
    outcome = result(scene(mode), "a.png", {"icc_profile": b"x" * 200}, color="keep")
    made = written(outcome)
    assert len(outcome.warnings) == 1
    assert "color profile" in outcome.warnings[0]
    assert "icc_profile" not in made.info
    assert made.tobytes() == scene(mode).tobytes()
