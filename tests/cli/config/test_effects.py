"""Flags that have no effect are refused; the same values elsewhere are not."""

from pathlib import Path

import pytest

from forkresize.cli.arguments import Arguments, recipe_from
from forkresize.cli.command import call
from forkresize.cli.config.effects import REQUIREMENTS
from forkresize.cli.errors import own_message
from forkresize.errors import NoEffectError
from tests.protocols import Parse, ParseArguments

WITHOUT_EFFECT = [
    ("--gravity north --width 8", "--gravity requires --fit cover or --fit contain"),
    ("--gravity north --width 8 --height 8 --fit outside", "--gravity requires --fit cover or --fit contain"),
    ("--focus 0.1,0.2 --width 8 --height 8 --fit contain", "--focus requires --fit cover"),
    ("--fit cover --width 8", "--fit cover requires --width and --height, or --size WIDTHxHEIGHT"),
    ("--fit cover --size 8x", "--fit cover requires --width and --height, or --size WIDTHxHEIGHT"),
    ("--fit contain --long-edge 8", "--fit contain requires --width and --height, or --size"),
    ("--fit outside", "--fit outside requires --width and --height, or --size"),
    (
        "--enlarge --format webp",
        "--enlarge requires --size, --width, --height, --long-edge, --short-edge, --scale or --megapixels",
    ),
    ("--resample box --format webp", "--resample requires --size, --width"),
    ("--linear --format webp", "--linear requires --size, --width"),
    ("--max-frames 8 --animation first --width 8", "--max-frames requires --animation keep"),
    ("--max-depth 2 --no-recursive --width 8", "--max-depth requires --recursive"),
    ("--retry-failed --no-ledger --width 8", "--retry-failed requires --ledger"),
    ("--max-prune 5 --width 8", "--max-prune requires --prune"),
    ("--backup-dir b --width 8", "--backup-dir requires --in-place"),
    ("--log-level debug --width 8", "--log-level requires --log-file"),
    ("--log-format json --width 8", "--log-format requires --log-file"),
    ("--null --width 8", "--null requires --files-from"),
    ("--watermark-opacity 0.2 --width 8", "--watermark-opacity requires --watermark or --watermark-text"),
    ("--palette 8 --format jpg", "--palette: does not apply to jpeg, only to gif, png"),
]


@pytest.mark.parametrize(("flags", "message"), WITHOUT_EFFECT)
def test_a_flag_without_an_effect_is_refused(
    flags: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    assert call(["in", "out", *flags.split()]) == 2
    assert capsys.readouterr().err.startswith(f"forkresize: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "flags",
    [
        "--gravity north --width 8 --height 8 --fit cover",
        "--gravity north --size 8x8 --fit contain",
        "--fit fill --width 8",
        "--fit inside --width 8",
        "--gravity center --width 8",
        "--log-level info --width 8",
        "--max-depth 2 --width 8",
        "--enlarge --scale 200",
        "--watermark-text none --watermark-opacity 0.2",
    ],
)
def test_what_has_an_effect_or_is_the_default_is_accepted(flags: str, arguments: ParseArguments) -> None:
    parsed = arguments("in", "out", "--quality", "80", *flags.split())
    assert parsed.ineffective == ()
    recipe_from(parsed)


def test_values_of_files_and_of_the_environment_are_never_refused(parse: Parse) -> None:
    project = "gravity = 'north'\nlog-level = 'debug'\nfit = 'cover'\nwatermark-opacity = 0.2"
    values = parse("in", "out", "--width", "8", project=project, env={"FORKRESIZE_MAX_PRUNE": "3"})
    parsed = Arguments.of(values)
    assert parsed.ineffective == ()
    resize = recipe_from(parsed).resize
    assert (resize.gravity, resize.fit) == ("north", "cover")


def test_a_flag_may_depend_on_a_settings_file(parse: Parse) -> None:
    assert parse("--log-level", "debug", project="log-file = 'run.log'")["ineffective"] == ()


ON_RECIPE = [
    ("width = 8", "--gravity north", "--gravity requires --fit cover or --fit contain"),
    ("width = 8", "--focus 0.1,0.2", "--focus requires --fit cover"),
    ("width = 8", "--fit cover", "--fit cover requires --width and --height, or --size"),
    ('format = "webp"', "--enlarge", "--enlarge requires --size, --width"),
    ('format = "webp"', "--resample box", "--resample requires --size, --width"),
    ("width = 8", "--animation first --max-frames 8", "--max-frames requires --animation keep"),
]


@pytest.mark.parametrize(("rendition", "flags", "message"), ON_RECIPE)
def test_a_flag_without_an_effect_on_a_recipe_file_is_refused(
    rendition: str, flags: str, message: str, arguments: ParseArguments, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"[[renditions]]\n{rendition}\n")
    with pytest.raises(NoEffectError) as caught:
        recipe_from(arguments("in", "out", "--recipe", str(recipe), *flags.split()))
    assert own_message(caught.value, {}).startswith(message)


@pytest.mark.parametrize(
    ("renditions", "flags"),
    [
        ('[[renditions]]\nwidth = 8\nheight = 8\nfit = "cover"', "--gravity north"),
        ('[[renditions]]\nwidth = 8\n[[renditions]]\nwidth = 9\nheight = 9\nfit = "cover"', "--focus 0.1,0.2"),
        ("[[renditions]]\nwidth = 8\nheight = 8", "--fit cover --gravity north"),
        ("[[renditions]]\nwidth = 8", "--height 8 --fit contain"),
        ("[[renditions]]\nwidth = 8", "--gravity center --enlarge --max-frames 8"),
    ],
)
def test_a_flag_with_an_effect_on_a_recipe_file_is_accepted(
    renditions: str, flags: str, arguments: ParseArguments, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(renditions)
    recipe_from(arguments("in", "out", "--recipe", str(recipe), *flags.split()))


def test_a_settings_file_beside_a_recipe_file_is_never_refused(arguments: ParseArguments, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[[renditions]]\nwidth = 8")
    settings = tmp_path / "settings.toml"
    settings.write_text("gravity = 'north'")
    recipe_from(arguments("in", "out", "--recipe", str(recipe), "--config", str(settings)))


def test_every_named_option_exists(parse: Parse) -> None:
    fields = {field for groups in REQUIREMENTS.values() for group in groups for field, _ in group}
    assert fields | REQUIREMENTS.keys() <= parse().keys()
