import contextlib
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.batch import MaxErrors, MaxPrune
from forkresize.cli.types import BYTES, DURATION, MAX_ERRORS, MAX_PRUNE, MEMORY, SHARD, Level, enum_choice, whole
from forkresize.recipe import Fit
from tests.protocols import Parse


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (DURATION, "90", 90.0),
        (DURATION, "1.5s", 1.5),
        (DURATION, "10m", 600.0),
        (DURATION, "2h", 7200.0),
        (DURATION, "0", 0.0),
        (MAX_ERRORS, "10", MaxErrors(10)),
        (MAX_ERRORS, "5%", MaxErrors(5, percent=True)),
        (MAX_PRUNE, "0", MaxPrune(0, percent=False)),
        (BYTES, "300K", 300_000),
        (whole("n", 1, 9), "9", 9),
        (Level(), "2", 2),
        (Level(), "true", 1),
        (Level(), "no", 0),
        (enum_choice(Fit), "cover", Fit.COVER),
    ],
)
def test_values_are_parsed(kind: click.ParamType[Any], text: str, value: object) -> None:
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (DURATION, "soon"),
        (DURATION, "-1"),
        (DURATION, "1d"),
        (DURATION, ""),
        (MAX_ERRORS, "0"),
        (MAX_ERRORS, "1.5%"),
        (MAX_ERRORS, "9" * 5000),
        (whole("n", 1, 9), "10"),
        (whole("n", 1), "٣"),
        (enum_choice(Fit), "snug"),
    ],
)
def test_an_invalid_value_is_refused_with_itself(kind: click.ParamType[Any], text: str) -> None:
    with pytest.raises(click.BadParameter, match=repr(text).replace("|", ".")):
        kind.convert(text, None, None)


@given(st.text(max_size=20), st.sampled_from([DURATION, MAX_ERRORS, MAX_PRUNE, MEMORY, SHARD, whole("n", 0, 99)]))
def test_any_text_is_parsed_or_refused(text: str, kind: click.ParamType[Any]) -> None:
    with contextlib.suppress(click.BadParameter):
        assert kind.convert(text, None, None) is not None


@pytest.mark.parametrize("parse", [DURATION, MAX_ERRORS, BYTES])
def test_a_value_that_was_parsed_already_is_kept(parse: click.ParamType[Any]) -> None:
    assert parse.convert(5, None, None) == 5


@pytest.mark.parametrize("flag", ["-j", "--workers", "--jobs", "--threads"])
def test_workers_have_the_names_of_other_programs(flag: str, parse: Parse) -> None:
    assert parse(flag, "3")["workers"] == 3


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("gravity", "SouthEast", "south-east"),
        ("gravity", "south_east", "south-east"),
        ("fit", "Cover", "cover"),
        ("format", "JPG,tif", ("jpeg", "tiff")),
        ("format", "Keep", (None,)),
        ("if_exists", "OVERWRITE", "overwrite"),
        ("if_larger", "keep original", "keep-original"),
        ("symlinks", "Follow", "follow"),
        ("sandbox", "OFF", "off"),
        ("log_level", "Debug", "debug"),
        ("watermark_gravity", "Tile", None),
        ("drop", "People, PLACE", ("people", "place")),
        ("drop", "None", ()),
        ("order", "MTime", "mtime"),
    ],
)
def test_words_are_spelled_in_any_way_in_every_place(option: str, text: str, value: object, parse: Parse) -> None:
    others = ["--watermark-text", "hi"] if option == "watermark_gravity" else []
    assert parse(*others, f"--{option.replace('_', '-')}", text)[option] == value
    assert parse(*others, env={f"FORKRESIZE_{option.upper()}": text})[option] == value
    assert parse(*others, project=f"{option} = '{text}'")[option] == value
