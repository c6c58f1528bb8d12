"""Several outputs of one picture."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from forkresize.image import source_image as room
from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written

Scene = Callable[..., Image.Image]
Results = Callable[..., list[Outcome]]


def written(outcome: Outcome) -> Written:
    assert isinstance(outcome.detail, Written), outcome
    return outcome.detail


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    apart = ImageChops.difference(one, other).convert("L").tobytes()
    return sum(apart) / len(apart)


def test_every_size_is_made_in_every_format(scene: Scene, results: Results) -> None:
    outcomes = results(scene(), width=[60, 30], format=["webp", "jpeg"])
    assert [(each.out_size, each.out_format) for each in map(written, outcomes)] == [
        ((60, 40), "webp"),
        ((60, 40), "jpeg"),
        ((30, 20), "webp"),
        ((30, 20), "jpeg"),
    ]
    assert [each.rendition for each in outcomes] == [0, 1, 2, 3]


def test_the_picture_is_decoded_once(scene: Scene, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    load = room.SourceImage._load_frame  # noqa: SLF001 (the one place where pixels are decoded)

    def counted(opened: room.SourceImage) -> None:
        decoded.append(opened.image.size)
        load(opened)

    monkeypatch.setattr(room.SourceImage, "_load_frame", counted)
    results(scene(size=(1200, 800)), "a.jpg", width=[25, 50, 75, 100])
    assert decoded == [(300, 200)]


@pytest.mark.slow
@pytest.mark.parametrize("fit", ["inside", "cover", "contain"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_rendition_looks_like_one_that_is_made_alone(
    suffix: str, fit: str, scene: Scene, results: Results, tmp_path: Path
) -> None:
    drawn = scene(size=(1200, 800))
    sizes: dict[str, Any] = {"width": [600, 300, 150, 75], "height": [400, 200, 100, 75], "fit": fit}
    results(drawn, f"a.{suffix}", format="png", **sizes)
    for number, (width, height) in enumerate(zip(sizes["width"], sizes["height"], strict=True)):
        results(drawn, f"b.{suffix}", format="png", width=width, height=height, fit=fit)
        with (
            Image.open(tmp_path / f"out/{number}-a.{suffix}") as one,
            Image.open(tmp_path / f"out/b.{suffix}") as other,
        ):
            assert one.size == other.size
            assert mean_difference(one, other) < 1


def test_nearest_uses_only_pixels_of_the_source(noise: Scene, results: Results, tmp_path: Path) -> None:
    results(noise(), width=[48, 24], resample="nearest")
    with Image.open(tmp_path / "out/1-source.png") as made:
        assert made.tobytes() == noise().resize((24, 15), Image.Resampling.NEAREST).tobytes()


def test_sizes_beyond_the_source_are_made_once(scene: Scene, results: Results) -> None:
    outcomes = results(scene(), width=[1000, 60, 500, 120])
    assert [each.status for each in outcomes] == ["skipped", "written", "skipped", "written"]
    assert {each.reason for each in outcomes if isinstance(each.detail, Skipped)} == {Reason.DUPLICATE}
    assert isinstance(outcomes[0].detail, Skipped)
    assert outcomes[0].error == "the source is only 120 x 80"


def test_duplicates_in_other_formats_or_qualities_are_made(scene: Scene, results: Results) -> None:
    outcomes = results(scene(), width=[500, 1000], format=["webp", "jpeg"])
    assert [each.status for each in outcomes] == ["written", "written", "skipped", "skipped"]


def test_a_failing_rendition_does_not_affect_the_others(scene: Scene, results: Results) -> None:
    image = Image.new("RGB", (20_000, 10))
    outcomes = results(image, format=["webp", "jpeg"])
    assert isinstance(outcomes[0].detail, Failed)
    assert (outcomes[0].reason, outcomes[0].rendition) == (Reason.UNSUPPORTED, 0)
    assert isinstance(outcomes[1].detail, Written)


def test_a_source_format_that_cannot_be_written_fails_only_outputs_that_keep_it(scene: Scene, results: Results) -> None:
    outcomes = results(scene("1"), "a.xbm", width=30, format=["keep", "png"])
    assert [each.status for each in outcomes] == ["failed", "written"]


def test_a_damaged_picture_has_one_outcome_for_all_renditions(results: Results) -> None:
    (outcome,) = results(b"\xff\xd8\xff", "a.jpg", width=[30, 60])
    assert isinstance(outcome.detail, Failed)
    assert outcome.destination is None


def test_depth_is_kept_in_outputs_that_can_hold_it(scene: Scene, results: Results, tmp_path: Path) -> None:
    outcomes = results(scene("I;16"), width=30, format=["png", "jpeg"])
    assert [each.status for each in outcomes] == ["written", "written"]
    with Image.open(tmp_path / "out/0-source.png") as deep, Image.open(tmp_path / "out/1-source.png") as shallow:
        assert (deep.mode, shallow.mode) == ("I;16", "L")


def test_transparency_is_kept_in_outputs_that_can_hold_it(scene: Scene, results: Results, tmp_path: Path) -> None:
    results(scene("RGBA"), width=30, format=["png", "jpeg"], background=(0, 0, 255, 255))
    with Image.open(tmp_path / "out/0-source.png") as kept, Image.open(tmp_path / "out/1-source.png") as laid:
        assert kept.mode == "RGBA"
        assert laid.getpixel((0, 0))[2] > 200  # type: ignore[index]


def test_duplicates_are_found_after_a_trim(scene: Scene, results: Results) -> None:
    bordered = Image.new("RGB", (400, 300), "white")
    bordered.paste(scene(size=(120, 80)), (50, 60))
    outcomes = results(bordered, trim=True, width=[60, 130, 300])
    assert [each.status for each in outcomes] == ["written", "written", "skipped"]


def test_a_border_counts_toward_the_pixel_limit(scene: Scene, results: Results) -> None:
    (outcome,) = results(scene(), border=500, max_pixels=100_000)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE


def test_a_rotation_counts_toward_the_pixel_limit(results: Results) -> None:
    (outcome,) = results(Image.new("RGB", (2000, 10)), rotate=45, max_pixels=100_000)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.TOO_LARGE


def test_an_animation_that_cannot_be_written_fails_only_outputs_that_keep_its_format(results: Results) -> None:
    header = struct.pack("<IHHHHHHI", 0, 0xAF12, 2, 8, 8, 8, 3, 70) + bytes(108)
    chunk = struct.pack("<IHH", 70, 0xF1FA, 1) + bytes(8) + struct.pack("<IH", 54, 16) + bytes(range(48))
    content = header[:0] + struct.pack("<I", 128 + 2 * len(chunk)) + header[4:128] + chunk * 2
    outcomes = results(content, "a.fli", width=4, format=["keep", "png"])
    assert isinstance(outcomes[0].detail, Failed)
    assert outcomes[0].reason in {Reason.UNSUPPORTED, Reason.DAMAGED}
    assert Reason.INTERNAL not in {each.reason for each in outcomes}
