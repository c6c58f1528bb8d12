"""How the command ends outside of a run."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forkresize import batch, cli
from forkresize.cli.command import call
from forkresize.errors import StopRequested
from tests.protocols import Draw


@pytest.fixture
def photos(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in/a.jpg")
    return tmp_path / "in"


def test_system_without_fork_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "WSL" in capsys.readouterr().err


def test_standard_input_can_be_replaced(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in/a.jpg\n")))
    assert call(["--files-from", "-", "out", "--width", "8"]) == 0
    assert (photos.parent / "out/in/a.jpg").exists()


def test_standard_output_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.setattr(sys, "argv", ["forkresize", "--version"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert written.getvalue().startswith("forkresize ")


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (StopRequested(15), 143)])
def test_interrupt_outside_the_run_is_silent(
    stop: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> None:
        raise stop

    monkeypatch.setattr(cli, "_execute", interrupt)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == code
    assert capsys.readouterr() == ("", "")


def test_field_errors_name_the_option(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["in", "out", "--format", "png", "--quality", "80"]) == 2
    assert capsys.readouterr().err.startswith("forkresize: --quality: ")


@pytest.mark.slow
def test_module_runs_the_command(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    result = subprocess.run(
        [sys.executable, "-m", "forkresize", "in", "out", "--width", "20"], cwd=tmp_path, timeout=60, check=False
    )
    assert result.returncode == 0
    assert (tmp_path / "out/a.jpg").exists()


def test_bug_is_reported_with_a_traceback_and_versions(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(batch, "prepare", break_down)
    assert call(["in", "out", "--width", "20"]) == 70
    output = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in output
    assert "bug in forkresize" in output
    assert "Pillow" in output


def test_interrupt_during_the_run_has_its_exit_code(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "prepare", interrupt)
    assert call(["in", "out", "--width", "20"]) == 130


@pytest.mark.slow
def test_closed_standard_output_ends_the_command_silently(photos: Path, draw: Draw) -> None:
    for number in range(3000):
        os.link(photos / "a.jpg", photos / f"{number}.jpg")
    script = f"{sys.executable} -m forkresize in out --width 20 --dry-run | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
    assert result.returncode == 141
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) == 1
