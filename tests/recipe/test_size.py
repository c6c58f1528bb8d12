import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.recipe import MAX_SIDE, Fit, Size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("800x600", Size(width=800, height=600)),
        ("800x", Size(width=800)),
        ("800", Size(width=800)),
        ("x600", Size(height=600)),
        (" 800x600 ", Size(width=800, height=600)),
        ("800x600!", Size(width=800, height=600, fit=Fit.FILL)),
        ("800x600^", Size(width=800, height=600, fit=Fit.OUTSIDE)),
        ("800x600>", Size(width=800, height=600, enlarge=False)),
        ("800x600<", Size(width=800, height=600, enlarge=True, shrink=False)),
        ("800x600^>", Size(width=800, height=600, fit=Fit.OUTSIDE, enlarge=False)),
        ("50%", Size(scale=(50, 50))),
        ("50%x25%", Size(scale=(50, 25))),
        ("50x25%", Size(scale=(50, 25))),
        ("x25%", Size(scale=(25, 25))),
        ("12.5%", Size(scale=(12.5, 12.5))),
        ("150%", Size(scale=(150, 150), enlarge=True)),
        ("2000000@", Size(megapixels=2)),
        ("2000000@>", Size(megapixels=2, enlarge=False)),
    ],
)
def test_a_geometry_means_what_it_means_to_mogrify(text: str, size: Size) -> None:
    assert Size.parse(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x!",
        "%",
        "@",
        "800x600!!",
        "800x600!^",
        "800x600<>",
        "800x600@",
        "800@!",
        "8.5x6",
        "-8x6",
        "٨x6",
        "8x6+1+1",
    ],
)
def test_an_invalid_geometry_is_refused_with_examples(text: str) -> None:
    with pytest.raises(
        FieldError, match=f"^size: invalid size {re.escape(repr(text))}: use a geometry such as 800x600, "
    ):
        Size.parse(text)


@pytest.mark.parametrize("text", ["0x600", "100001", "0%", "0@"])
def test_a_geometry_out_of_range_is_refused_with_the_field(text: str) -> None:
    with pytest.raises(FieldError, match=f"^size: invalid size '{text}': (width|scale|megapixels): invalid value "):
        Size.parse(text)


@given(st.text(alphabet="0123456789x%!<>^@.", max_size=10))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        size = Size.parse(text)
    except FieldError as error:
        assert error.field == "size"  # noqa: PT017 (either is right)
    else:
        assert size != Size()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0),
        ("width", -3),
        ("width", 800.5),
        ("width", "800"),
        ("width", True),
        ("height", MAX_SIDE + 1),
        ("long_edge", 0),
        ("short_edge", 0),
        ("scale", (0, 50)),
        ("scale", (50,)),
        ("scale", (50, None)),
        ("scale", 50),
        ("scale", (50, 10_001)),
        ("megapixels", 0),
        ("megapixels", float("nan")),
        ("fit", "snug"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_field(field: str, value: object) -> None:
    with pytest.raises(FieldError, match=f"^{field}: "):
        Size(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"width": 1, "long_edge": 1}, "long_edge"),
        ({"height": 1, "scale": (50, 50)}, "scale"),
        ({"short_edge": 1, "megapixels": 1}, "megapixels"),
    ],
)
def test_a_size_that_is_specified_in_two_ways_is_refused(values: dict[str, int], field: str) -> None:
    with pytest.raises(FieldError, match=f"^{field}: cannot be combined with ") as refusal:
        Size(**values)  # type: ignore[arg-type]
    assert refusal.value.field == field


@pytest.mark.parametrize(("scale", "enlarge"), [((150, 50), True), ((100, 100), None), ((50, 50), None)])
def test_a_scale_above_100_percent_enlarges(scale: tuple[float, float], enlarge: bool | None) -> None:
    assert Size(scale=scale).enlarge is enlarge
    assert Size(scale=scale, enlarge=False).enlarge is False


def test_a_fit_may_be_a_string() -> None:
    assert Size(fit="cover") == Size(fit=Fit.COVER)  # type: ignore[arg-type]
