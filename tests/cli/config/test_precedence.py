"""Which values are overridden by conflicting ones."""

from pathlib import Path

import pytest

from tests.protocols import Parse

TABLES = "{}\n[presets.it]\n{}\n"


@pytest.mark.parametrize(
    ("flags", "project", "given"),
    [
        ("--scale 50", "width = 8\nheight = 9", {"scale"}),
        ("--height 5", "width = 8", {"height", "width"}),
        ("--quiet", "verbose = true\nprogress = 'rich'", {"quiet"}),
        ("--verbose", "quiet = true", {"verbose"}),
        ("--progress none", "quiet = true", {"progress", "quiet"}),
        ("--lossless", "ssim = 0.9", {"lossless"}),
        ("--if-exists skip", "force = true", {"if_exists"}),
        ("--watermark-text hi", "watermark = 'logo.png'\nwatermark-scale = 3", {"watermark_text", "watermark_scale"}),
        ("--width 3", "recipe = 'recipe.toml'\nquality = 9", {"width", "recipe", "quality"}),
        ("--recipe recipe.toml --width 3", "watermark-opacity = 0.3", {"recipe", "width"}),
        ("", "recipe = 'recipe.toml'\nwatermark-opacity = 0.3", {"recipe", "watermark_opacity"}),
        ("--recipe recipe.toml", "width = 3\nquality = 9\nretries = 3", {"recipe", "retries"}),
        ("", "watermark-opacity = 0.3\nnull = true", set()),
        ("", "width = 8\nscale = 50", {"width", "scale"}),
        ("--preset it", TABLES.format("width = 8", "scale = 50"), {"preset", "scale"}),
        ("--preset it --size 5x", TABLES.format("width = 8", "scale = 50"), {"preset", "size"}),
    ],
)
def test_the_weaker_of_two_conflicting_values_is_ignored(
    flags: str, project: str, given: set[str], parse: Parse, tmp_path: Path
) -> None:
    (tmp_path / "logo.png").touch()
    (tmp_path / "recipe.toml").touch()
    values = parse(*flags.split(), project=project)
    assert values["given"] == given


def test_an_ignored_value_is_at_its_default(parse: Parse) -> None:
    alone = parse("--scale", "50")
    assert parse("--scale", "50", project="width = 8\nlong-edge = 5") == alone
    assert parse("--quiet", project="verbose = true\nprogress = 'rich'") == parse("--quiet")


def test_a_flag_without_its_requirement_is_kept_to_be_refused(parse: Parse) -> None:
    assert parse("--watermark-opacity", "0.3", "--null")["given"] == {"watermark_opacity", "null"}


def test_a_variable_that_is_false_overrides_only_its_own_option(parse: Parse) -> None:
    assert parse(env={"FORKRESIZE_LOSSLESS": "0"}, project="ssim = 0.9")["ssim"] == 0.9
