import contextlib
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.batch import MaxErrors
from forkresize.cli.types import COLOR, DURATION, MAX_ERRORS, MEGAPIXELS, QUALITY, EnumChoice, whole
from forkresize.recipe import Fit


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (DURATION, "90", 90.0),
        (DURATION, "1.5s", 1.5),
        (DURATION, "10m", 600.0),
        (DURATION, "2h", 7200.0),
        (DURATION, "0", 0.0),
        (MEGAPIXELS, "200", 200_000_000),
        (MEGAPIXELS, "0.5", 500_000),
        (QUALITY, "80", 80),
        (QUALITY, "jpeg=80,webp=78", {"jpeg": 80, "webp": 78}),
        (MAX_ERRORS, "10", MaxErrors(10)),
        (MAX_ERRORS, "5%", MaxErrors(5, percent=True)),
        (COLOR, "white", (255, 255, 255, 255)),
        (COLOR, "#ff000080", (255, 0, 0, 128)),
        (whole("n", 1, 9), "9", 9),
        (EnumChoice(Fit), "cover", Fit.COVER),
    ],
)
def test_values_are_read_as_people_write_them(kind: click.ParamType[Any], text: str, value: object) -> None:
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (DURATION, "soon"),
        (DURATION, "-1"),
        (DURATION, "1d"),
        (DURATION, ""),
        (MEGAPIXELS, "0"),
        (MEGAPIXELS, "1e3"),
        (QUALITY, "jpeg=0"),
        (QUALITY, "jpeg"),
        (QUALITY, "gif=80"),
        (QUALITY, "80,70"),
        (MAX_ERRORS, "0"),
        (MAX_ERRORS, "1.5%"),
        (COLOR, "blurple"),
        (whole("n", 1, 9), "10"),
        (whole("n", 1), "٣"),
        (EnumChoice(Fit), "snug"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_itself(kind: click.ParamType[Any], text: str) -> None:
    with pytest.raises(click.BadParameter, match=repr(text).replace("|", ".")):
        kind.convert(text, None, None)


@given(st.text(max_size=20), st.sampled_from([DURATION, MEGAPIXELS, QUALITY, MAX_ERRORS, COLOR, whole("n", 0, 99)]))
def test_any_text_is_a_value_or_refused(text: str, kind: click.ParamType[Any]) -> None:
    with contextlib.suppress(click.BadParameter):
        assert kind.convert(text, None, None) is not None


@pytest.mark.parametrize("parse", [DURATION, MEGAPIXELS, QUALITY, MAX_ERRORS])
def test_a_value_that_was_read_already_stays(parse: click.ParamType[Any]) -> None:
    assert parse.convert(5, None, None) == 5
