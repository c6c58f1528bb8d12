"""Requests that are refused before any work, and the help texts."""

from pathlib import Path

import pytest

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

REFUSED = [
    (["--width", "0"], "--width", "invalid value '0': use a whole number from 1 to 100000"),
    (["--width", "8e2"], "--width", "'8e2'"),
    (["--height", "-5"], "--height", "'-5'"),
    (["--fit", "snug"], "--fit", "invalid value 'snug': use one of inside, cover, contain, outside, fill"),
    (["--gravity", "up"], "--gravity", "'up'"),
    (["--resample", "cubic"], "--resample", "'cubic'"),
    (["--format", "heic"], "--format", "'heic'"),
    (["--quality", "0"], "--quality", "invalid value '0': use a number from 1 to 100"),
    (["--quality", "png=80"], "--quality", "'png' has no quality: use jpeg, webp, avif, jxl"),
    (["--background", "blurple"], "--background", "invalid color 'blurple': use a CSS color"),
    (["--name", "{size}"], "--name", "{stem}, {ext}"),
    (["--name", "../{stem}"], "--name", "leads out of the destination"),
    (["--max-depth", "0"], "--max-depth", "invalid value '0': use a whole number of at least 1"),
    (["--symlinks", "maybe"], "--symlinks", "'maybe'"),
    (["--files-from", "missing"], "--files-from", "missing"),
    (["--null"], "--null", "--files-from"),
    (["--on-collision", "pray"], "--on-collision", "'pray'"),
    (["--if-exists", "maybe"], "--if-exists", "'maybe'"),
    (["--workers", "-1"], "--workers", "invalid value '-1': use a whole number"),
    (["--timeout", "soon"], "--timeout", "90s, 10m or 2h"),
    (["--retries", "-1"], "--retries", "'-1'"),
    (["--max-tasks", "x"], "--max-tasks", "'x'"),
    (["--max-pixels", "0"], "--max-pixels", "such as 200"),
    (["--max-pixels", "200000000"], "--max-pixels", "use 200 for 200 million pixels"),
    (["--max-frames", "0"], "--max-frames", "invalid value '0': use a whole number from 1"),
    (["--max-file-size", "0"], "--max-file-size", "invalid value '0': use a number of bytes"),
    (["--max-errors", "many"], "--max-errors", "such as 10"),
    (["--order", "random"], "--order", "'random'"),
    (["--progress", "bar"], "--progress", "'bar'"),
    (["--report", "report.xls"], "--report", ".jsonl"),
    (["--report", "missing/report.jsonl"], "missing/report.jsonl", "there is no directory"),
    (["--quiet", "--verbose"], "--quiet", "cannot be combined"),
    (["--quiet", "--progress", "rich"], "--quiet", "cannot be combined"),
    (["--colour", "red"], "--colour", "did you mean --color?"),
]


@pytest.mark.parametrize(
    ("arguments", "option", "advice"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_an_invalid_value_is_refused_before_any_work(
    arguments: list[str], option: str, advice: str, tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in/a.jpg")
    result = forkresize("in", "out", "--height", "20", *arguments)
    assert result.returncode == 2
    assert option in result.stderr
    assert advice in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "advice"),
    [
        ([], 2, "DESTINATION"),
        (["--attach", "x"], 2, "--attach: invalid value 'x': use a whole number of at least 1"),
        (["out"], 2, "SOURCE"),
        (["in", "out"], 2, "--width"),
        (["missing", "out", "--width", "20"], 3, "missing"),
        (["in", "in/a.jpg", "--width", "20"], 2, "is a file"),
        (["in", "in/a.jpg/out", "--width", "20"], 3, "Not a directory"),
        (["in", "in", "out", "--files-from", "in/a.jpg", "--width", "20"], 2, "one SOURCE"),
    ],
)
def test_an_impossible_request_is_refused(
    arguments: list[str], code: int, advice: str, tmp_path: Path, draw: Draw, forkresize: Run
) -> None:
    draw(tmp_path / "in/a.jpg")
    result = forkresize(*arguments)
    assert result.returncode == code
    assert advice in result.stderr
    assert "Traceback" not in result.stderr


def test_help_groups_every_option_in_its_panel(forkresize: Run) -> None:
    shown = forkresize("--help").stdout
    panels = ["Size", "Output", "Selection", "Repeat runs", "Workers", "Reporting"]
    places = [shown.index(f"─ {panel} ") for panel in panels]
    assert places == sorted(places)
    assert places[0] < shown.index("--width") < places[1] < shown.index("--quality") < places[2]


def test_the_version_lists_the_codecs(forkresize: Run) -> None:
    alone = forkresize("--version")
    assert alone.returncode == 0
    assert alone.stdout.startswith("forkresize ")
    for codec in ("Pillow", "libjpeg-turbo", "libwebp", "libavif"):
        assert codec in alone.stdout
    assert forkresize("--version", "--quiet").stdout == alone.stdout


def test_names_in_errors_are_plain_text(tmp_path: Path, forkresize: Run) -> None:
    result = forkresize("\x1b[31m[red]\n", "out", "--width", "20")
    assert result.returncode == 3
    assert "\x1b" not in result.stderr
    assert "[red]" in result.stderr
