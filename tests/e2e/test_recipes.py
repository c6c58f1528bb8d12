"""Recipes from flags and from files, with the installed command."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

FLAGS = [
    *("--width", "48,24", "--format", "webp,jpeg", "--quality", "jpeg=70,webp=60", "--crop", "60x40+2+3"),
    *("--rotate", "90", "--sharpen", "auto", "--border", "2", "--background", "navy", "--watermark-text", "© me"),
    *("--watermark-gravity", "tile", "--metadata", "none", "--max-pixels", "50"),
]


def pixels(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("[!.]*")):
        with Image.open(path) as image:
            found[path.name] = image.tobytes()
    return found


def test_a_shown_recipe_gives_the_same_outputs_as_its_flags(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    shown = forkresize(*FLAGS, "--show-recipe")
    assert (shown.returncode, shown.stderr) == (0, "")
    (tmp_path / "web.toml").write_text(shown.stdout)
    assert forkresize("in", "flags", *FLAGS).returncode == 0
    assert forkresize("in", "file", "--recipe", "web.toml").returncode == 0
    assert pixels(tmp_path / "flags") == pixels(tmp_path / "file")
    assert sorted(pixels(tmp_path / "file")) == ["a-24w.jpg", "a-24w.webp", "a-48w.jpg", "a-48w.webp"]
    assert forkresize("--recipe", "web.toml", "--show-recipe").stdout == shown.stdout


def test_a_shown_recipe_finds_its_watermark_from_anywhere(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "logo.png", mode="RGBA")
    shown = forkresize("--watermark", "logo.png", "--show-recipe")
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/web.toml").write_text(shown.stdout)
    assert forkresize("in", "out", "--recipe", "recipes/web.toml").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--width", "80", "--long-edge", "80"], "--long-edge cannot be combined with --width"),
        (["--size", "800y600"], "--size: invalid size '800y600': use a geometry"),
        (["--crop", "10"], "--crop: invalid rectangle '10': use WxH+X+Y"),
        (["--focus", "2,0", "--width", "8"], "--focus: invalid value '2,0': use two numbers"),
        (["--sharpen", "very"], "--sharpen: invalid value 'very': use none, auto"),
        (["--watermark", "logo.png", "--watermark-text", "x"], "--watermark: specify either an image or a text"),
        (["--width", "8", "--watermark-scale", "5"], "--watermark-scale requires --watermark or --watermark-text"),
        (["--watermark-text", "東京"], "--watermark-text: the font has nothing for '東京': choose a watermark font"),
        (["--watermark", "in/a.txt"], "--watermark: "),
        (["--watermark-text", "x", "--watermark-font", "in/a.txt"], "--watermark-font: "),
        (["--format", "webp,heic"], "--format: invalid value 'heic': use one of"),
        (["--format", "webp,webp"], "--format: contains the same format twice"),
        (["--width", "8,9,10", "--height", "8,9"], "--height: has 2 values, but the other side has 3"),
        (["--width", "8,8"], "--width: contains the same value twice"),
        (["--max-bytes", "many"], "--max-bytes: invalid size 'many': use a number"),
        (["--ssim", "0.9", "--max-bytes", "3K"], "--ssim cannot be combined with --max-bytes"),
        (["--format", "jpeg", "--lossless"], "--lossless: does not apply to jpeg"),
        (["--rotate", "1e3"], "--rotate: invalid value '1e3': use a number"),
        (["--recipe", "web.toml", "--scale", "50", "--width", "8"], "--scale cannot be combined with --width"),
        (["--recipe", "web.toml", "--watermark-scale", "5"], "--watermark-scale: has no effect: it requires watermark"),
        (["--recipe", "bad.toml"], "bad.toml:2: "),
        (["--recipe", "missing.toml"], "missing.toml"),
        (["--width", "8,16", "--name", "{name}"], "gives several renditions one name"),
    ],
)
def test_impossible_recipes_are_refused_before_any_work(
    arguments: list[str], message: str, tmp_path: Path, forkresize: Run, draw: Draw
) -> None:
    draw(tmp_path / "in/a.jpg")
    draw(tmp_path / "logo.png")
    (tmp_path / "in/a.txt").write_text("no picture")
    (tmp_path / "web.toml").write_text("[[renditions]]\nwidth = 8\n")
    (tmp_path / "bad.toml").write_text("[[renditions]]\nwidht = 8\n")
    result = forkresize("in", "out", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_max_bytes_is_respected_and_the_quality_is_recorded(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg", (600, 400), quality=95)
    forkresize("in", "out", "--max-bytes", "3K", "--report", "run.jsonl")
    record = json.loads((tmp_path / "run.jsonl").read_text())
    assert record["out_bytes"] == (tmp_path / "out/a.jpg").stat().st_size <= 3000
    assert 1 <= record["quality"] < 80


def test_ssim_is_reached_and_recorded(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.png", (600, 400))
    forkresize("in", "out", "--format", "webp", "--ssim", "0.97", "--report", "run.jsonl")
    record = json.loads((tmp_path / "run.jsonl").read_text())
    assert record["ssim"] >= 0.97
    assert record["quality"] is not None


def test_options_override_a_recipe_file_and_the_result_is_shown_with_their_places(
    tmp_path: Path, forkresize: Run, draw: Draw
) -> None:
    draw(tmp_path / "in/a.jpg")
    (tmp_path / "web.toml").write_text(
        'metadata = "all"\n[[steps]]\nwatermark = { text = "x", opacity = 0.2 }\n'
        '[[renditions]]\nwidth = 8\nformat = "webp"\n[[renditions]]\nwidth = 8\nformat = "jpeg"\n'
    )
    (tmp_path / "forkresize.toml").write_text('recipe = "web.toml"\nquality = 33\n')
    shown = forkresize("--width", "16", "--watermark-opacity", "0.9", "--show-recipe")
    assert shown.stdout == (
        "# --recipe web.toml: forkresize.toml:1\n# --quality: forkresize.toml:2\n# --watermark-opacity: flag\n"
        '# --width: flag\n\nmetadata = "all"\n\n[[steps]]\nwatermark = {text = "x", opacity = 0.9}\n\n'
        '[[renditions]]\nwidth = 16\nformat = "webp"\nquality = {webp = 33}\n\n'
        '[[renditions]]\nwidth = 16\nformat = "jpeg"\nquality = {jpeg = 33}\n'
    )
    assert forkresize("in", "out", "--width", "16", "--watermark-opacity", "0.9").returncode == 0
    found = {}
    for path in (tmp_path / "out").glob("a.*"):
        with Image.open(path) as image:
            found[path.name] = image.width
    assert found == {"a.jpg": 16, "a.webp": 16}


def test_a_recipe_file_overrides_weaker_options(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "web.toml").write_text("[[renditions]]\nwidth = 8\n")
    (tmp_path / "forkresize.toml").write_text("quality = 33\nwatermark-opacity = 0.3\n")
    shown = forkresize("--recipe", "web.toml", "--show-recipe", env={"FORKRESIZE_FORMAT": "png"})
    assert shown.stdout == "[[renditions]]\nwidth = 8\n"
