from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from forkresize.recipe.notations import COLOR, FORMAT, MEGAPIXELS, PERCENT, PLACE, POINT, QUALITY, parse_bytes


def parse(notation: Meta, value: Any) -> Any:
    assert notation.extra is not None
    return notation.extra["notation"].parse(value)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (5, 5),
        ("0", 0),
        ("5", 5),
        ("5b", 5),
        ("300K", 300_000),
        ("1.5 kB", 1500),
        ("2m", 2_000_000),
        ("64KiB", 65_536),
        ("2Mi", 2 * 1024**2),
        ("1G", 10**9),
        (" 1 GiB ", 1024**3),
    ],
)
def test_sizes_have_units(text: str | int, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1e3", "3 pt", "1,5M", "1 2", "٣", "1" * 16])
def test_an_invalid_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid size '.*': use a number .*, for example 300K, 1\.5M or 200KiB$"):
        parse_bytes(text)


@given(st.integers(0, 10**14))
def test_a_size_without_a_unit_is_in_bytes(size: int) -> None:
    assert parse_bytes(str(size)) == size


@pytest.mark.parametrize(
    ("notation", "value", "parsed"),
    [
        (MEGAPIXELS, "200", 200_000_000),
        (MEGAPIXELS, 0.5, 500_000),
        (QUALITY, "80", 80),
        (QUALITY, "jpeg=80,webp=78", {"jpeg": 80, "webp": 78}),
        (QUALITY, {"jpeg": 80}, {"jpeg": 80}),
        (PERCENT, "50%", (50, 50)),
        (PERCENT, "12.5", (12.5, 12.5)),
        (PERCENT, [50, 25], [50, 25]),
        (COLOR, "#ff000080", (255, 0, 0, 128)),
        (COLOR, [255, 0, 0], (255, 0, 0, 255)),
        (FORMAT, "keep", None),
        (PLACE, "tile", None),
        (PLACE, "north", "north"),
    ],
)
def test_values_are_parsed(notation: Meta, value: Any, parsed: object) -> None:
    assert parse(notation, value) == parsed


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        *((MEGAPIXELS, text) for text in ("0", "1e3", "", "inf", "-2")),
        *((QUALITY, text) for text in ("jpeg", "80,70", "jpeg=", "jpeg:80", "")),
        *((POINT, text) for text in ("", "0.5", "0.5,", "-0.5,0", "a,b", "0.5 0.5")),
        (PERCENT, "half"),
        (COLOR, "blurple"),
    ],
)
def test_an_invalid_text_is_refused_with_itself(notation: Meta, text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid .*: use ") as caught:
        parse(notation, text)
    assert repr(text) in str(caught.value)


@given(st.decimals(0, 1, places=3), st.decimals(0, 1, places=3))
def test_a_point_is_two_numbers(across: Any, down: Any) -> None:
    assert parse(POINT, f"{across},{down}") == (float(across), float(down))


@given(st.text(max_size=20), st.sampled_from([MEGAPIXELS, QUALITY, PERCENT, COLOR, POINT]))
def test_any_text_is_parsed_or_refused(text: str, notation: Meta) -> None:
    try:
        assert parse(notation, text) is not None
    except ValueError as error:
        assert str(error).startswith("invalid ")  # noqa: PT017 (either is right)
