"""Frames and pages through the whole pipeline."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, TiffImagePlugin

from forkresize.batch.render_job import render_job
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, Reason, Written
from forkresize.recipe import Recipe, Rendition, Resize, Size, Trim
from forkresize.store import LocalStore
from tests.image.conftest import ALL_OR_NOTHING, FEWER_COLORS, REPLACED

Render = Callable[..., Outcome]

DURATIONS = [100, 200, 300, 40, 50]
ANIMATED = ["gif", "png", "webp", "avif"]


def frames(size: tuple[int, int] = (80, 60)) -> list[Image.Image]:
    """A disk that goes from left to right over transparent ground."""
    drawn = []
    for number in range(len(DURATIONS)):
        image = Image.new("RGBA", size, (0, 0, 0, 0))
        ImageDraw.Draw(image).ellipse((number * 12, 15, number * 12 + 30, 45), fill=(255, 40 * number, 0, 255))
        drawn.append(image)
    return drawn


def encoded(kind: str, images: list[Image.Image], **options: Any) -> bytes:
    file = io.BytesIO()
    lossless: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
    images[0].save(file, kind, save_all=True, append_images=images[1:], **lossless, **options)
    return file.getvalue()


def shown(path: Path) -> tuple[list[Image.Image], list[int], Any]:
    """Frames, durations and loop count of an animation."""
    with Image.open(path) as image:
        images, durations = [], []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            images.append(image.convert("RGBA"))
            durations.append(round(image.info.get("duration", 0)))
        return images, durations, image.info.get("loop")


def middle_of_disk(number: int) -> tuple[int, int]:
    return (number * 12 + 15) // 2, 15


@pytest.mark.parametrize("output", ANIMATED)
@pytest.mark.parametrize("kind", ANIMATED)
def test_frames_durations_and_transparency_survive_a_resize(
    kind: str, output: str, result: Render, tmp_path: Path
) -> None:
    source = encoded(kind, frames(), duration=DURATIONS, loop=0, **({"disposal": 2} if kind == "gif" else {}))
    outcome = result(source, "a", width=40, format=output)
    assert isinstance(outcome.detail, Written), outcome
    assert set(outcome.warnings) - {FEWER_COLORS} == ({ALL_OR_NOTHING} if output == "gif" else set())
    assert outcome.detail.out_size == (40, 30)
    images, durations, loop = shown(tmp_path / "out/a")
    assert durations == DURATIONS
    assert loop in ({0} if output != "avif" else {None})
    for number, image in enumerate(images):
        red, green, _, alpha = image.getpixel(middle_of_disk(number))  # type: ignore[misc]
        assert alpha >= 254
        assert red > 200
        assert abs(green - 40 * number) < 30
        assert image.getpixel((20, 2))[3] == 0  # type: ignore[index]
        others = (other for other in range(len(DURATIONS)) if abs(other - number) > 2)
        assert all(image.getpixel(middle_of_disk(other))[3] < 10 for other in others)  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "plays", "output", "expected"),
    [
        ("gif", None, "gif", None),
        ("gif", 2, "gif", 2),
        ("gif", 2, "png", 3),
        ("png", 3, "gif", 2),
        ("png", 1, "webp", 1),
        ("webp", 4, "png", 4),
        ("avif", None, "gif", 0),
    ],
)
def test_the_loop_count_is_kept(
    kind: str, plays: int | None, output: str, expected: int | None, result: Render, tmp_path: Path
) -> None:
    options = {} if plays is None else {"loop": plays}
    result(encoded(kind, frames(), duration=DURATIONS, **options), "a", width=40, format=output)
    assert shown(tmp_path / "out/a")[2] == expected


@pytest.mark.parametrize("options", [{"format": "jpeg"}, {"format": "tiff"}, {"format": "webp", "animation": "first"}])
def test_a_still_format_gets_the_first_frame_with_a_warning(
    options: dict[str, Any], result: Render, tmp_path: Path
) -> None:
    outcome = result(encoded("gif", frames(), duration=DURATIONS), "a", width=40, **options)
    asked_for = "animation" in options
    first = "only the first of 5 frames was kept"
    replaced = (REPLACED,) if options["format"] == "jpeg" else ()
    assert outcome.warnings == (() if asked_for else (first, *replaced))
    assert len(shown(tmp_path / "out/a")[0]) == 1


def test_each_of_several_formats_gets_what_it_can_hold(results: Callable[..., list[Outcome]], tmp_path: Path) -> None:
    source = encoded("gif", frames(), duration=DURATIONS)
    outcomes = results(source, "a", width=[40, 20], format=["webp", "jpeg"])
    assert [len(shown(Path(str(outcome.destination)))[0]) for outcome in outcomes] == [5, 1, 5, 1]
    assert [bool(outcome.warnings) for outcome in outcomes] == [False, True, False, True]


def test_the_default_image_of_an_apng_is_not_a_frame(result: Render, tmp_path: Path) -> None:
    still = Image.new("RGB", (80, 60), "lime")
    source = encoded(
        "png", [still, *(frame.convert("RGB") for frame in frames())], duration=DURATIONS, default_image=True
    )
    assert isinstance(result(source, "a", width=40, format="webp").detail, Written)
    images, durations, _ = shown(tmp_path / "out/a")
    assert durations == DURATIONS
    assert all(image.getpixel((39, 1))[1] < 99 for image in images)  # type: ignore[index]


def test_a_trim_cuts_nothing_off_any_frame(result: Render, tmp_path: Path) -> None:
    source = encoded("gif", frames(), duration=DURATIONS, disposal=2)
    outcome = result(source, "a", trim=True, format="webp", lossless=True)
    assert isinstance(outcome.detail, Written), outcome
    images, durations, _ = shown(tmp_path / "out/a")
    assert durations == DURATIONS
    # The disk goes from the left border to 48 pixels from it.
    assert {image.size for image in images} == {(79, 31)}
    for number, image in enumerate(images):
        assert image.getpixel((number * 12 + 15, 15))[3] == 255  # type: ignore[index]


def test_a_trim_after_the_resize_is_refused_for_animations(
    results: Callable[..., list[Outcome]], tmp_path: Path
) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(encoded("gif", frames(), duration=DURATIONS, disposal=2))
    recipe = Recipe(steps=(Resize(), Trim()), renditions=(Rendition(size=Size(width=40)),))
    job = Job(Source(str(path), "a.gif"), (Output(str(tmp_path / "out.gif")),))
    (outcome,) = render_job(job, recipe, LocalStore("", "test"))
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.NOT_APPLICABLE


def test_damage_in_a_later_frame_does_not_affect_a_still_output(
    results: Callable[..., list[Outcome]],
) -> None:
    whole = encoded("gif", [frame.convert("RGB") for frame in frames()], duration=DURATIONS)
    outcomes = results(whole[: len(whole) - 40], "a", width=40, format=["webp", "jpeg"])
    assert [each.status for each in outcomes] == ["failed", "written"]


def test_operations_reach_every_frame(result: Render, tmp_path: Path) -> None:
    source = encoded("webp", frames(), duration=DURATIONS)
    steps = {"flip": "h", "grayscale": True, "border": 2, "watermark_text": "x", "crop": "60x60+0+0"}
    outcome = result(source, "a", width=30, format="png", background=(0, 0, 255, 255), **steps)
    assert isinstance(outcome.detail, Written), outcome
    images, _, _ = shown(tmp_path / "out/a")
    assert {image.size for image in images} == {(34, 34)}
    assert all(image.getpixel((0, 0)) == (0, 0, 255, 255) for image in images)


def test_pages_keep_their_own_sizes(result: Render, tmp_path: Path) -> None:
    pages = [Image.new("RGB", (100, 50 + 25 * number), (50 * number, 0, 0)) for number in range(4)]
    outcome = result(encoded("tiff", pages), "a.tif", width=50)
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == ()
    with Image.open(tmp_path / "out/a.tif") as made:
        sizes = []
        for number in range(made.n_frames):  # type: ignore[attr-defined]
            made.seek(number)
            sizes.append(made.size)
            assert made.getpixel((3, 3)) == (50 * number, 0, 0)
    assert sizes == [(50, 25), (50, 38), (50, 50), (50, 63)]


def test_the_pixel_limit_counts_all_frames(result: Render) -> None:
    source = encoded("gif", frames(), duration=DURATIONS)
    outcome = result(source, "a", width=40, max_pixels=5000)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE
    assert "the output would have 0.006 megapixels" in outcome.error


def test_an_animation_that_ends_too_early_is_damaged(result: Render) -> None:
    whole = encoded("webp", frames(), duration=DURATIONS)
    outcome = result(whole[: len(whole) * 6 // 10], "a", width=40)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.DAMAGED


def test_pages_keep_their_own_colors(rgb_profile: Callable[..., bytes], result: Render, tmp_path: Path) -> None:
    pages = [Image.new("RGB", (60, 40), (10, 200, 10)), Image.new("RGB", (60, 40), (10, 200, 10))]
    pages[0].info["icc_profile"] = rgb_profile()
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, new=True) as writer:
        for page in pages:
            page.save(writer, "TIFF", **({"icc_profile": rgb_profile()} if "icc_profile" in page.info else {}))
            writer.newFrame()
    for color in ("srgb", "keep"):
        outcome = result(file.getvalue(), "a.tif", width=30, color=color)
        assert isinstance(outcome.detail, Written), outcome
        with Image.open(tmp_path / "out/a.tif") as made:
            first = made.getpixel((5, 5))
            made.seek(1)
            assert made.getpixel((5, 5)) == (10, 200, 10)
            assert first != (10, 200, 10)
            assert not made.info.get("icc_profile")
