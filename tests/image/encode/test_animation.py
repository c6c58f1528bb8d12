"""Animations keep their frames, durations and loop counts."""

import io
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from forkresize.formats import OUTPUT_FORMATS, EncodeRequest
from forkresize.formats.gif import in_centiseconds
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded

Film = Callable[..., list[Image.Image]]
Make = Callable[..., Image.Image]
Shown = Callable[[Image.Image], list[tuple[Image.Image, int]]]

property_test = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def timeline(images: list[Image.Image], durations: list[int]) -> list[tuple[int, bytes]]:
    """Return when the picture changes and to what; frames that equal the one before make no difference."""
    changes: list[tuple[int, bytes]] = []
    starts = [0, *accumulate(durations)]
    for start, image in zip(starts, images, strict=False):
        pixels = image.convert("RGBa").tobytes()
        if not changes or changes[-1][1] != pixels:
            changes.append((start, pixels))
    return [*changes, (starts[-1], b"")]


@property_test
@given(
    seed=st.integers(0, 10**6), mode=st.sampled_from(["RGB", "RGBA"]), output=st.sampled_from(["png", "webp", "gif"])
)
def test_frames_of_few_colors_come_back_to_the_bit_at_their_times(
    seed: int, mode: str, output: str, film: Film, opened: Make, shown: Shown
) -> None:
    images = film(seed, 6, mode)
    assume(len({image.convert("RGBa").tobytes() for image in images}) > 1)
    durations = (40, 70, 30, 1000, 50, 110)
    made = opened(images, output, durations=durations, loop=0, lossless=output != "png")
    frames = [(image.convert("RGBA"), duration) for image, duration in zip(images, durations, strict=True)]
    assert timeline(*map(list, zip(*shown(made), strict=True))) == timeline(*map(list, zip(*frames, strict=True)))


@pytest.mark.parametrize("output", ["gif", "png", "webp", "avif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_mode_stays_close(mode: str, output: str, scene: Make, opened: Make, shown: Shown) -> None:
    images = [scene(mode), scene(mode).transpose(Image.Transpose.FLIP_LEFT_RIGHT), scene(mode).rotate(180)]
    if output == "gif" and mode in {"LA", "RGBA"}:
        for image in images:
            image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)))
    made = shown(opened(images, output, durations=(100, 200, 300), loop=0, quality=95 if output != "png" else None))
    assert [duration for _, duration in made] == [100, 200, 300]
    for (frame, _), image in zip(made, images, strict=True):
        assert near(frame, image)


def near(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures look alike from a little distance."""
    small = [image.convert("RGBA").convert("RGBa").resize((30, 20), Image.Resampling.BOX) for image in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).rms) < 6


@pytest.mark.parametrize(
    ("output", "loop", "stored"),
    [
        ("gif", None, None),
        ("gif", 1, None),
        ("gif", 0, 0),
        ("gif", 4, 3),
        ("gif", 10**6, 65_535),
        ("png", None, 1),
        ("png", 0, 0),
        ("png", 10**6, 10**6),
        ("webp", None, 1),
        ("webp", 0, 0),
        ("webp", 7, 7),
        ("webp", 10**6, 65_535),
    ],
)
def test_loop_counts_are_kept_in_each_format(
    output: str, loop: int | None, stored: int | None, film: Film, opened: Make
) -> None:
    assert opened(film(2), output, durations=(50, 60, 70, 80), loop=loop).info.get("loop") == stored


def test_an_avif_with_a_loop_count_causes_a_warning(film: Film, opened: Make) -> None:
    diagnostics = Diagnostics()
    opened(film(2), "avif", durations=(50, 60, 70, 80), loop=3, diagnostics=diagnostics)
    assert "the animation will loop forever" in diagnostics.warnings[0]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=30))
def test_gif_durations_are_off_by_less_than_browsers_change_them(durations: list[int]) -> None:
    rounded = in_centiseconds(tuple(durations))
    assert all(each % 10 == 0 for each in rounded)
    assert all(each >= min(duration, 20) for each, duration in zip(rounded, durations, strict=True))
    if all(duration > 30 for duration in durations):
        assert abs(sum(rounded) - sum(durations)) <= 5


@pytest.mark.parametrize(
    ("durations", "rounded"),
    [
        ((0, 10, 20, 10, 100), [0, 10, 20, 10, 100]),
        ((33, 33, 33, 33), [30, 40, 30, 30]),
        ((16, 16, 16, 100), [20, 20, 20, 90]),
        ((3, 11), [10, 20]),
    ],
)
def test_gif_durations_are_rounded_without_drift(durations: tuple[int, ...], rounded: list[int]) -> None:
    assert in_centiseconds(durations) == rounded


@pytest.mark.parametrize("output", ["webp", "avif"])
def test_a_frame_without_duration_is_kept(output: str, film: Film, opened: Make, shown: Shown) -> None:
    images = [Image.new("RGB", (40, 40), color) for color in ("red", "lime", "blue")]
    made = shown(opened(images, output, durations=(50, 0, 70), loop=0))
    assert [duration for _, duration in made] == [50, 1, 70]


@pytest.mark.parametrize(("output", "most"), [("gif", 655_350), ("png", 1_000_000)])
def test_long_durations_are_limited_to_what_the_format_holds(
    output: str, most: int, film: Film, opened: Make, shown: Shown
) -> None:
    images = [Image.new("RGB", (40, 40), color) for color in ("red", "lime")]
    assert [duration for _, duration in shown(opened(images, output, durations=(1_000_001, 50), loop=0))] == [most, 50]


def test_frames_that_are_all_equal_are_a_still_picture(opened: Make, scene: Make) -> None:
    for output in ("gif", "png"):
        assert getattr(opened([scene(), scene()], output, durations=(50, 60), loop=0), "n_frames", 1) == 1


def test_unchanged_pixels_of_a_gif_do_not_flicker(scene: Make, opened: Make, shown: Shown) -> None:
    still = scene(size=(90, 60))
    images = []
    for number in range(4):
        image = still.copy()
        image.paste((255, 255 - 60 * number, 60 * number), (5 + 4 * number, 5, 25 + 4 * number, 15))
        images.append(image)
    made = shown(opened(images, "gif", durations=(50,) * 4, loop=0))
    corners = {frame.crop((0, 20, 90, 60)).tobytes() for frame, _ in made}
    assert len(corners) == 1
    assert len({frame.tobytes() for frame, _ in made}) == 4


def test_sixteen_bits_of_an_animation_become_eight_and_no_frame_is_lost(opened: Make, shown: Shown) -> None:
    images = [Image.new("I;16", (8, 8), level) for level in (257 * 100, 257 * 101)]
    diagnostics = Diagnostics()
    made = opened(images, "png", durations=(10, 20), loop=0, diagnostics=diagnostics)
    assert "reduced from 16 to 8 bits per channel" in diagnostics.warnings[0]
    assert [(frame.getpixel((0, 0)), duration) for frame, duration in shown(made)] == [
        ((100, 100, 100, 255), 10),
        ((101, 101, 101, 255), 20),
    ]


def test_frames_of_several_modes_are_shown_alike(opened: Make, shown: Shown) -> None:
    images = [Image.new("L", (8, 8), 90), Image.new("RGBA", (8, 8), (1, 2, 3, 255)), Image.new("LA", (8, 8), (0, 0))]
    made = shown(opened(images, "png", durations=(10, 20, 30), loop=0))
    assert [frame.getpixel((3, 3)) for frame, _ in made] == [(90, 90, 90, 255), (1, 2, 3, 255), (0, 0, 0, 0)]


def test_pages_of_a_tiff_keep_their_modes_and_sizes(scene: Make, opened: Make) -> None:
    pages = [scene("RGB", (60, 40)), scene("L", (30, 50)), scene("RGBA", (20, 20))]
    made = opened(pages, "tiff")
    assert getattr(made, "n_frames", 1) == 3
    for number, page in enumerate(pages):
        made.seek(number)
        assert (made.mode, made.size, made.tobytes()) == (page.mode, page.size, page.tobytes())


def test_several_frames_for_a_still_format_are_a_bug(scene: Make, opened: Make) -> None:
    with pytest.raises(AssertionError, match="jpeg"):
        opened([scene(), scene()], "jpeg")


@pytest.mark.parametrize("output", ["png", "webp", "avif"])
def test_metadata_goes_with_an_animation(output: str, film: Film, opened: Make) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a film"
    diagnostics = Diagnostics()
    embedded = {"exif": exif.tobytes()}
    made = opened(film(2), output, (50, 60, 70, 80), 0, embedded, diagnostics)
    assert not diagnostics.warnings
    assert made.getexif()[0x010E] == "a film"


@pytest.mark.parametrize(("count", "longest"), [(3, (1 << 24) - 1), (200, ((1 << 31) - 1) // 200)])
def test_webp_durations_are_limited_to_what_the_format_holds(count: int, longest: int) -> None:
    images = tuple(Image.new("RGB", (8, 8), (number, 0, 0)) for number in range(count))
    request = EncodeRequest(mode="RGB", durations=(40, *[20_000_000] * (count - 1)), loop=0)
    options = OUTPUT_FORMATS["webp"].sequence_options(images, request)
    frames = {"save_all": True, "append_images": images[1:]}
    images[0].save(made := io.BytesIO(), "WEBP", lossless=True, **frames, **options)
    assert options["duration"] == [40, *[longest] * (count - 1)]
    with Image.open(made) as image:
        assert getattr(image, "n_frames", 1) == count


def spot(color: str, box: tuple[int, int, int, int], size: tuple[int, int] = (40, 30)) -> Image.Image:
    image = Image.new("RGBA", size)
    image.paste(color, box)
    return image


SOLID = [Image.new("RGBA", (40, 30), color) for color in ("red", "blue")]

MOTIONS = {
    "never covered": ([spot("red", (10, 10, 20, 20)), spot("blue", (10, 10, 20, 20))], True),
    "a hole appears": ([SOLID[0], spot("blue", (0, 0, 20, 30))], True),
    "grows": ([spot("red", (4, 4, 20, 20)), SOLID[1]], True),
    "always covered": (SOLID, False),
}


@pytest.mark.parametrize(("images", "is_transparent"), MOTIONS.values(), ids=MOTIONS)
@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_says_whether_its_canvas_shows(
    images: list[Image.Image], lossless: bool, is_transparent: bool, encoded: Callable[..., Encoded], tmp_path: Path
) -> None:
    data = encoded(images, "webp", durations=(100, 100), loop=0, lossless=lossless).data
    assert bool(data[20] & 0x10) == is_transparent
    assert Image.open(io.BytesIO(data)).mode == ("RGBA" if is_transparent else "RGB")
    if shutil.which("webpinfo"):
        (tmp_path / "a.webp").write_bytes(data)
        report = subprocess.run(["webpinfo", tmp_path / "a.webp"], check=True, capture_output=True, text=True).stdout  # noqa: S607
        assert f"Alpha: {int(is_transparent)}" in report
        assert "No error detected." in report


def test_an_avif_does_not_say_when_it_was_made(film: Film, encoded: Callable[..., Encoded]) -> None:
    data = encoded(film(1, 3, "RGBA"), "avif", durations=(100, 100, 100), loop=0).data
    found = [(data[place + 4 :], name) for name in (b"mvhd", b"tkhd", b"mdhd") for place in _places(data, name)]
    # One track of colors, and one of alpha.
    assert [name for _content, name in found] == [b"mvhd", b"tkhd", b"tkhd", b"mdhd", b"mdhd"]
    for content, _name in found:
        times = content[4 : 4 + (16 if content[0] else 8)]
        assert times == bytes(len(times))
        assert any(content[4 + len(times) : 40]), "nothing else was cleared"


def _places(data: bytes, name: bytes) -> list[int]:
    return [found.start() for found in re.finditer(name, data)]


@pytest.mark.parametrize("cut", [4, 11, 40, 300])
def test_a_damaged_avif_is_not_corrected(cut: int, film: Film, encoded: Callable[..., Encoded]) -> None:
    data = encoded(film(1, 3, "RGB"), "avif", durations=(100, 100, 100), loop=0).data
    moov = data.index(b"moov") - 4
    with pytest.raises((UnsupportedContainerError, struct.error)):
        OUTPUT_FORMATS["avif"].correct(data[: moov + cut])
