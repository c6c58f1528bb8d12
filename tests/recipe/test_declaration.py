from typing import Annotated, Any

import pytest
from msgspec import Meta

from forkresize.errors import FieldError
from forkresize.recipe import OPTIONS, Fit
from forkresize.recipe.declaration import Declared, base_type, check, describe_type, option, parse_text, parse_value

Count = Annotated[int, Meta(ge=1, le=9)]
Share = Annotated[float, Meta(ge=0, le=0.5)]
Pair = tuple[Share, Share]


class Some(Declared, frozen=True, kw_only=True):
    prefix = "some_"

    count: Annotated[Count | None, option("How many.", "N")] = None
    shares: Pair | None = None
    fit: Fit = Fit.INSIDE
    name: Annotated[str, option("A name.")] = ""


def test_values_are_converted_when_an_instance_is_constructed() -> None:
    given: Any = {"fit": "cover", "shares": [0, 0.5]}
    some = Some(**given)
    assert (some.fit, some.shares) == (Fit.COVER, (0, 0.5))
    assert type(some.shares) is tuple


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"count": 10}, "some_count: invalid value 10: use a whole number from 1 to 9"),
        ({"count": True}, "some_count: invalid value true: use a whole number from 1 to 9"),
        ({"shares": (0, 1)}, "shares: invalid value (0, 1): use a tuple"),
        ({"shares": (float("nan"), 0)}, "shares: invalid value (nan, 0): use a tuple"),
        ({"fit": "snug"}, "fit: invalid value 'snug': use one of inside, cover, contain, outside, fill"),
        ({"name": 3}, "some_name: invalid value 3: use text"),
        ({"name": "a\0"}, "some_name: invalid value 'a\\x00': remove the NUL character"),
        ({"name": ["x" * 99]}, "some_name: invalid value ['" + "x" * 78 + "…: use text"),
    ],
)
def test_an_invalid_value_is_refused_with_its_option_or_field(values: dict[str, Any], error: str) -> None:
    with pytest.raises(FieldError) as caught:
        Some(**values)
    assert str(caught.value) == error


def test_numbers_and_tuples_are_kept_as_they_are() -> None:
    assert repr(check(Share, 0)) == "0"
    assert repr(check(Pair | None, (0, 0.5))) == "(0, 0.5)"
    assert repr(check(Pair | None, [0, 0.5])) == "(0, 0.5)"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(Count, "3", 3), (Share | None, ".25", 0.25), (bool, "true", True), (str, "3", "3"), (Fit, "fill", Fit.FILL)],
)
def test_a_text_is_parsed_as_its_type(kind: Any, text: str, value: object) -> None:
    assert parse_text(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"), [(Count, "0"), (Count, "٣"), (Count, "1.0"), (Share, "1e-1"), (bool, "yes"), (Fit, "")]
)
def test_a_text_of_another_type_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid value .*: use "):
        parse_text(kind, text)


def test_a_value_of_a_toml_file_has_one_of_the_types_of_its_notation() -> None:
    kind = OPTIONS["max_bytes"].kind
    assert (parse_value(kind, "300K"), parse_value(kind, 5)) == (300_000, 5)
    with pytest.raises(ValueError, match=r"^invalid value 5\.0: use a number of bytes, or text such as 300K"):
        parse_value(kind, 5.0)


def test_types_are_described() -> None:
    assert base_type(Annotated[Count | None, option("")]) is int
    assert describe_type(Annotated[int, Meta(ge=3)]) == "a whole number of at least 3"
    assert describe_type(float) == "a number"
    assert describe_type(bool | None) == "true or false"
