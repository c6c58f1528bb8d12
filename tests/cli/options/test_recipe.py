"""The options of the recipe follow from its declarations."""

from pathlib import Path

import click
import pytest

from forkresize.cli.options.model import Option
from forkresize.cli.options.recipe import recipe_options
from forkresize.recipe import OPTIONS, Fit

BY_KEY = {
    option.key: option for group in ("Size", "Operations", "Output", "Workers") for option in recipe_options(group)
}


def parse(option: Option, text: str) -> object:
    kind = option.attributes["type"]
    assert isinstance(kind, click.ParamType)
    return kind.convert(text, None, None)


def test_every_option_of_the_recipe_is_an_option_of_the_command() -> None:
    assert {option.field for option in BY_KEY.values()} == set(OPTIONS)


@pytest.mark.parametrize(
    ("key", "flags"),
    [
        ("width", ("-w", "--width")),
        ("enlarge", ("--enlarge", "--no-enlarge")),
        ("progressive", ("--progressive", "--baseline")),
        ("watermark-text", ("--watermark-text",)),
    ],
)
def test_flags_are_declared(key: str, flags: tuple[str, ...]) -> None:
    assert BY_KEY[key].flags == flags


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("fit", "inside"),
        ("sharpen", "none"),
        ("background", "white"),
        ("format", "keep"),
        ("quality", "jpeg=80,webp=85,avif=65,jxl=77"),
        ("watermark-gravity", "south-east"),
        ("watermark-opacity", "0.5"),
        ("max-pixels", "200"),
        ("max-file-size", "1G"),
        ("trim", "false"),
        ("auto-orient", "true"),
        ("width", None),
    ],
)
def test_defaults_are_written_as_people_write_them(key: str, default: str | None) -> None:
    assert BY_KEY[key].default == default


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("width", "800,400", (800, 400)),
        ("fit", "cover", Fit.COVER),
        ("watermark-gravity", "tile", None),
        ("format", "webp,keep", ("webp", None)),
        ("quality", "jpeg=70", {"jpeg": 70}),
        ("max-bytes", "300K", 300_000),
        ("max-pixels", "0.5", 500_000),
        ("background", "#ff000080", (255, 0, 0, 128)),
        ("scale", "50%", (50, 50)),
        ("sharpen", "none", None),
    ],
)
def test_values_are_parsed_as_declared(key: str, text: str, value: object) -> None:
    assert parse(BY_KEY[key], text) == value


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("width", "0", "invalid value '0': use a whole number from 1 to 100000"),
        ("fit", "snug", "invalid value 'snug': use one of inside, cover, contain, outside, fill"),
        ("blur", "0", "invalid value '0': use a number from 0.1 to 1000"),
        ("crop", "8", "invalid rectangle '8': use WxH"),
        ("format", "bmp", "invalid value 'bmp': use one of keep, jpeg, png, webp, avif, jxl, gif, tiff"),
    ],
)
def test_an_invalid_value_is_refused_with_what_is_accepted(key: str, text: str, message: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        parse(BY_KEY[key], text)
    assert caught.value.message.startswith(message)


def test_files_must_exist(tmp_path: Path) -> None:
    (tmp_path / "logo.png").touch()
    assert parse(BY_KEY["watermark"], str(tmp_path / "logo.png")) == str(tmp_path / "logo.png")
    with pytest.raises(click.BadParameter, match="does not exist"):
        parse(BY_KEY["watermark"], str(tmp_path / "missing.png"))
