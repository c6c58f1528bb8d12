from typing import Any

import pytest

from forkresize.errors import ExitCode, FieldError
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
def test_a_value_out_of_range_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=f"^{field}: ") as refusal:
        Rendition(**{field: value})  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert refusal.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("output", "quality", "told"),
    [
        ("png", 80, "png has none; jpeg, webp, avif have"),
        ("jpeg", {"webp": 80}, "none of webp is the format of the output, jpeg"),
    ],
)
def test_a_quality_that_the_output_could_not_have_is_refused(output: Any, quality: Any, told: str) -> None:
    with pytest.raises(FieldError, match=f"^quality: {told}$"):
        Rendition(format=output, quality=quality)


@pytest.mark.parametrize(
    ("said", "field"),
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
def test_what_contradicts_itself_is_refused(said: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError, match=f"^{field}: "):
        Rendition(**said)


def test_one_quality_is_for_all_formats_that_have_one() -> None:
    rendition = Rendition(quality=42)
    qualities = {output: rendition.quality_for(output) for output in Format}
    assert qualities == dict.fromkeys(Format) | dict.fromkeys(DEFAULT_QUALITY, 42)


def test_a_format_without_a_quality_of_its_own_keeps_the_default() -> None:
    rendition = Rendition(quality={"jpeg": 42})
    assert rendition.quality_for("jpeg") == 42
    assert rendition.quality_for("webp") == DEFAULT_QUALITY["webp"]


def test_what_is_lossless_has_no_quality_where_it_can_be() -> None:
    rendition = Rendition(lossless=True)
    assert rendition.quality_for("webp") is None
    assert rendition.quality_for("jpeg") == DEFAULT_QUALITY["jpeg"]


def test_words_may_be_plain_strings() -> None:
    plain: dict[str, Any] = {"format": "avif", "subsampling": "444"}
    assert Rendition(**plain) == Rendition(format=Format.AVIF, subsampling=Subsampling.FULL)


def test_the_usual_suffixes() -> None:
    assert [output.suffix for output in Format] == [".jpg", ".png", ".webp", ".avif", ".gif", ".tif"]
