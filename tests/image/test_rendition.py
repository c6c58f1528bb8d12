"""One output: whether the source's own coded pixels serve better, and what is salvaged of a file cut short."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

KEPT = "kept the source's own pixels, which take fewer bytes than encoding them again"


def coded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tagged() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def test_a_smaller_source_is_kept_without_its_metadata(noise: Scene, result: Render, tmp_path: Path) -> None:
    source = coded(noise(size=(200, 150)), quality=30, exif=tagged())
    outcome = result(source, "a.jpg", quality=95, if_larger="keep-original")
    assert isinstance(outcome.detail, Written), outcome
    assert outcome.warnings == (KEPT,)
    assert outcome.detail.quality is None
    assert outcome.detail.out_bytes <= len(source)
    with Image.open(io.BytesIO(source)) as before, Image.open(tmp_path / "out/a.jpg") as after:
        assert before.tobytes() == after.tobytes()
        assert after.getexif()[0x010F] == "a camera"
        assert not after.getexif().get_ifd(0x8825)


@pytest.mark.parametrize(
    "recipe",
    [{"width": 100}, {"format": "webp"}, {"grayscale": True}, {"border": 1}, {"if_larger": "write"}, {"flip": "h"}],
)
def test_an_output_that_differs_from_the_source_is_always_encoded(
    recipe: dict[str, object], noise: Scene, result: Render
) -> None:
    source = coded(noise(size=(200, 150)), quality=30)
    outcome = result(source, "a.jpg", **{"quality": 95, "if_larger": "keep-original", **recipe})
    assert isinstance(outcome.detail, Written)
    assert outcome.warnings == ()


def test_a_smaller_output_is_written(noise: Scene, result: Render) -> None:
    source = coded(noise(size=(200, 150)), quality=99)
    outcome = result(source, "a.jpg", quality=30, if_larger="keep-original")
    assert isinstance(outcome.detail, Written)
    assert outcome.detail.out_bytes < len(source)
    assert outcome.warnings == ()


def test_an_unsupported_container_is_encoded_again(noise: Scene, result: Render) -> None:
    source = coded(noise(size=(200, 150)), "TIFF", compression="tiff_lzw")
    outcome = result(source, "a.tif", effort=1, if_larger="keep-original")
    assert isinstance(outcome.detail, Written)
    assert KEPT not in outcome.warnings


@pytest.mark.parametrize("recipe", [{"width": 40}, {"quality": 80}])
@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("TIFF", "tif")])
def test_a_truncated_file_is_salvaged_with_a_warning(
    kind: str, suffix: str, recipe: dict[str, int], scene: Scene, result: Render, tmp_path: Path
) -> None:
    whole = coded(scene(size=(400, 300)), kind)
    cut = whole[: len(whole) * 7 // 10]
    assert isinstance(result(cut, f"a.{suffix}", **recipe).detail, Failed)
    outcome = result(cut, f"a.{suffix}", on_truncated="salvage", **recipe)
    assert isinstance(outcome.detail, Written), outcome
    assert [warning.startswith("salvaged, a part is missing: ") for warning in outcome.warnings] == [True]
    with Image.open(tmp_path / f"out/a.{suffix}") as made, Image.open(io.BytesIO(whole)) as original:
        small = original.convert("RGB").resize(made.size)
        for x, y in ((3, 3), (made.width // 2, 5)):
            there, was = made.convert("RGB").getpixel((x, y)), small.getpixel((x, y))
            assert max(abs(one - other) for one, other in zip(there, was, strict=True)) < 40  # type: ignore[arg-type]


def test_a_file_without_decodable_pixels_stays_damaged(scene: Scene, result: Render) -> None:
    outcome = result(coded(scene(), "WEBP")[:60], "a.webp", width=30, on_truncated="salvage")
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.DAMAGED


def test_a_whole_file_has_nothing_to_salvage(scene: Scene, result: Render) -> None:
    assert result(scene(), "a.jpg", width=30, on_truncated="salvage").warnings == ()


def test_a_truncated_frame_of_an_animation_is_salvaged(scene: Scene, result: Render, tmp_path: Path) -> None:
    frames = [scene(size=(200, 100)), scene(size=(200, 100)).transpose(Image.Transpose.ROTATE_180)]
    whole = coded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)
    cut = whole[: len(whole) * 9 // 10]
    assert result(cut, "a.png", width=50).reason is Reason.DAMAGED
    outcome = result(cut, "a.png", width=50, on_truncated="salvage")
    assert isinstance(outcome.detail, Written)
    assert [warning.split(":")[0] for warning in outcome.warnings] == ["salvaged, a part is missing"]
    with Image.open(tmp_path / "out/a.png") as made:
        made.seek(1)
        upper = made.convert("RGB").crop((0, 0, 50, 12))
    expected = frames[1].resize((50, 25)).crop((0, 0, 50, 12))
    assert max(ImageStat.Stat(ImageChops.difference(upper, expected)).mean) < 8
