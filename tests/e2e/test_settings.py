"""Settings from files and from the environment, with the installed command."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Draw = Callable[..., Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path, draw: Draw) -> Path:
    """A picture of 640x480 to work on, and a home directory without settings."""
    draw(tmp_path / "in/a.jpg", (640, 480))
    (tmp_path / "home/.config/forkresize").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def settled(home: Path, forkresize: Run) -> Run:
    """Run the command with that home."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return forkresize(*arguments, env={"HOME": str(home), "XDG_CONFIG_HOME": "", **variables})

    return run


def width_of(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


def test_every_place_decides_in_its_turn(tmp_path: Path, home: Path, settled: Run) -> None:
    def made(*arguments: str, **variables: str) -> int:
        result = settled("in", "out", "--if-exists", "overwrite", *arguments, **variables)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        return width_of(tmp_path / "out/a.jpg")

    (home / ".config/forkresize/config.toml").write_text("width = 100\n")
    assert made() == 100
    (tmp_path / "forkresize.toml").write_text("width = 110\n[presets.big]\nwidth = 120\n")
    assert made() == 110
    assert made("--preset", "big") == 120
    assert made("--preset", "big", FORKRESIZE_WIDTH="130") == 130
    assert made("--preset", "big", "--width", "140", FORKRESIZE_WIDTH="130") == 140
    assert made("--scale", "50", FORKRESIZE_WIDTH="130") == 320
    (tmp_path / "cron.toml").write_text("width = 150\n")
    assert made("--config", "cron.toml") == 150


def test_a_wrong_file_is_refused_before_any_work(tmp_path: Path, settled: Run) -> None:
    (tmp_path / "forkresize.toml").write_text("width = 100\nqualty = 80\n")
    result = settled("in", "out")
    assert result.returncode == 2
    assert result.stderr == "forkresize: forkresize.toml:2: qualty: no such key; did you mean quality?\n"
    assert not (tmp_path / "out").exists()


def test_a_folder_is_no_settings_file(tmp_path: Path, settled: Run) -> None:
    (tmp_path / "forkresize.toml").mkdir()
    result = settled("in", "out", "--width", "100")
    assert (result.returncode, result.stderr) == (2, "forkresize: forkresize.toml: Is a directory\n")


def test_what_shows_settings_and_machine_needs_no_source(tmp_path: Path, settled: Run) -> None:
    (tmp_path / "forkresize.toml").write_text("width = 100\n")
    shown = settled("--show-config")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[0].split() == ["width", "100", "forkresize.toml:1"]
    (tmp_path / "forkresize.toml").write_text("width = \n")
    doctor = settled("--doctor")
    assert (doctor.returncode, doctor.stderr) == (0, "")
    assert "wrong: forkresize.toml:1: Invalid value" in doctor.stdout
    assert settled("--help").returncode == 0
    assert settled("--version").returncode == 0


def test_a_file_sets_all_of_a_run(tmp_path: Path, settled: Run) -> None:
    (tmp_path / "forkresize.toml").write_text(
        "width = [64, 32]\nformat = ['webp', 'png']\nname = '{stem}-{width}{ext}'\njson = true\nreport = 'run.jsonl'\n"
    )
    result = settled("in", "out")
    assert result.returncode == 0
    assert result.stdout.startswith("{")
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == {
        f"a-{width}.{suffix}" for width in (64, 32) for suffix in ("webp", "png")
    }
    assert (tmp_path / "run.jsonl").exists()
