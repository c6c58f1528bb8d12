"""Settings from files and from the environment, with the installed command."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

RunWithSettings = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path, draw: Draw) -> Path:
    """A picture of 640x480, and a home directory without settings."""
    draw(tmp_path / "in/a.jpg", (640, 480))
    (tmp_path / "home/.config/forkresize").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def with_settings(home: Path, forkresize: Run) -> RunWithSettings:
    """Run the command with that home directory."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return forkresize(*arguments, env={"HOME": str(home), "XDG_CONFIG_HOME": "", **variables})

    return run


def width_of(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


def test_settings_override_each_other_in_order(tmp_path: Path, home: Path, with_settings: RunWithSettings) -> None:
    def made(*arguments: str, **variables: str) -> int:
        result = with_settings("in", "out", "--if-exists", "overwrite", *arguments, **variables)
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


def test_an_invalid_settings_file_is_refused_before_any_work(tmp_path: Path, with_settings: RunWithSettings) -> None:
    (tmp_path / "forkresize.toml").write_text("width = 100\nqualty = 80\n")
    result = with_settings("in", "out")
    assert result.returncode == 2
    assert result.stderr == "forkresize: forkresize.toml:2: qualty: unknown key; did you mean quality?\n"
    assert not (tmp_path / "out").exists()


def test_a_folder_as_settings_file_is_refused(tmp_path: Path, with_settings: RunWithSettings) -> None:
    (tmp_path / "forkresize.toml").mkdir()
    result = with_settings("in", "out", "--width", "100")
    assert (result.returncode, result.stderr) == (2, "forkresize: forkresize.toml: Is a directory\n")


def test_info_options_need_no_source(tmp_path: Path, with_settings: RunWithSettings) -> None:
    (tmp_path / "forkresize.toml").write_text("width = 100\n")
    shown = with_settings("--show-config")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert ["width", "100", "forkresize.toml:1"] in [line.split() for line in shown.stdout.splitlines()]
    (tmp_path / "forkresize.toml").write_text("width = \n")
    doctor = with_settings("--doctor")
    assert (doctor.returncode, doctor.stderr) == (0, "")
    assert "wrong: forkresize.toml:1: invalid TOML: " in doctor.stdout
    assert with_settings("--help").returncode == 0
    assert with_settings("--version").returncode == 0


def test_a_settings_file_can_set_everything(tmp_path: Path, with_settings: RunWithSettings) -> None:
    (tmp_path / "forkresize.toml").write_text(
        "width = [64, 32]\nformat = ['webp', 'png']\nname = '{stem}-{width}{ext}'\njson = true\nreport = 'run.jsonl'\n"
    )
    result = with_settings("in", "out")
    assert result.returncode == 0
    assert result.stdout.startswith("{")
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == {
        f"a-{width}.{suffix}" for width in (64, 32) for suffix in ("webp", "png")
    }
    assert (tmp_path / "run.jsonl").exists()
