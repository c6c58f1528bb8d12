from typing import Any

import pytest

from forkresize.errors import FieldError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.recipe import DEFAULT_QUALITY, Format, Rendition, Subsampling


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "heic"),
        ("quality", 0),
        ("quality", 101),
        ("quality", 80.5),
        ("quality", {"png": 80}),
        ("quality", {"jpeg": 800}),
        ("subsampling", "411"),
        ("effort", 0),
        ("effort", 11),
        ("palette", 1),
        ("palette", 257),
        ("max_bytes", 0),
        ("max_bytes", 1.5),
        ("ssim", 0),
        ("ssim", 1),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_field(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=f"^{field}: ") as refusal:
        Rendition(**{field: value})  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert exit_code_for_error(refusal.value) is ExitCode.USAGE


@pytest.mark.parametrize(
    ("output", "quality", "message"),
    [
        ("png", 80, "does not apply to png, only to jpeg, webp, avif, jxl"),
        ("jpeg", {"webp": 80}, "does not apply to jpeg, only to webp"),
    ],
)
def test_a_quality_that_does_not_apply_to_the_format_is_refused(output: Any, quality: Any, message: str) -> None:
    with pytest.raises(FieldError, match=f"^quality: {message}$"):
        Rendition(format=output, quality=quality)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"format": "jpeg", "lossless": True}, "lossless"),
        ({"format": "png", "ssim": 0.9}, "ssim"),
        ({"format": "webp", "progressive": True}, "progressive"),
        ({"format": "webp", "subsampling": "444"}, "subsampling"),
        ({"format": "webp", "palette": 16}, "palette"),
        ({"ssim": 0.9, "max_bytes": 9}, "ssim"),
        ({"ssim": 0.9, "lossless": True}, "ssim"),
        ({"max_bytes": 9, "lossless": True}, "max_bytes"),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError, match=f"^{field}: "):
        Rendition(**values)


def test_one_quality_applies_to_all_formats_that_have_one() -> None:
    rendition = Rendition(quality=42)
    qualities = {output: rendition.quality_for(output) for output in Format}
    assert qualities == dict.fromkeys(Format) | dict.fromkeys(DEFAULT_QUALITY, 42)


def test_a_format_that_is_not_in_the_mapping_keeps_its_default_quality() -> None:
    rendition = Rendition(quality={"jpeg": 42})
    assert rendition.quality_for("jpeg") == 42
    assert rendition.quality_for("webp") == DEFAULT_QUALITY["webp"]


def test_a_lossless_output_has_no_quality_if_its_format_can_be_lossless() -> None:
    rendition = Rendition(lossless=True)
    assert rendition.quality_for("webp") is None
    assert rendition.quality_for("jpeg") == DEFAULT_QUALITY["jpeg"]


def test_choices_may_be_strings() -> None:
    plain: dict[str, Any] = {"format": "avif", "subsampling": "444"}
    assert Rendition(**plain) == Rendition(format=Format.AVIF, subsampling=Subsampling.FULL)


def test_formats_have_the_usual_suffixes() -> None:
    assert [output.suffix for output in Format] == [".jpg", ".png", ".webp", ".avif", ".jxl", ".gif", ".tif"]
