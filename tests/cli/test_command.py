"""How the command ends outside of a run."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--widht", "8"], "unknown option --widht; did you mean --width?\n"),
        (["--workrs", "8"], "unknown option --workrs; did you mean --workers?\n"),
        (["--no-leger"], "unknown option --no-leger; did you mean --no-ledger?\n"),
        (["--qqqq"], "unknown option --qqqq\n"),
        (["--gravity", "bottom-right"], "--gravity: invalid value 'bottom-right': use one of center, "),
        (["--watermark-gravity", "top"], "--watermark-gravity: invalid value 'top': use one of tile, center, "),
        (["--format", "jpgg"], "--format: invalid value 'jpgg': use one of keep, jpeg, "),
        (["--if-exists", "overwite"], "--if-exists: invalid value 'overwite': use one of update, "),
        (["--scale", "0.5"], "--scale: invalid percentage '0.5': use 50% for 0.5 times the size, or '0.5%' for less"),
    ],
)
def test_what_is_misspelled_is_refused_with_what_may_be_meant(
    flags: list[str], message: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["in", "out", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"forkresize: {message}")
    assert not (photos.parent / "out").exists()


@pytest.mark.parametrize(
    ("flags", "end"),
    [
        (["--gravity", "bottom-right"], "; did you mean south-east?"),
        (["--watermark-gravity", "top"], "; did you mean north?"),
        (["--format", "jpgg"], "; did you mean jpeg?"),
        (["--if-exists", "overwite"], "; did you mean overwrite?"),
    ],
)
def test_the_message_ends_with_the_word_that_may_be_meant(
    flags: list[str], end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["in", "out", *flags]) == 2
    assert capsys.readouterr().err.splitlines()[0].endswith(end)


@pytest.mark.slow
def test_one_file_is_made_with_the_name_of_the_destination(photos: Path, draw: Draw) -> None:
    for width in (16, 8):
        # A second run replaces the file, as its recipe may be another one.
        assert call(["in/a.jpg", "new/small{stem}.PNG", "--width", str(width)]) == 0
        with Image.open("new/small{stem}.PNG") as made:
            assert (made.format, made.width) == ("PNG", width)
    assert os.listdir("new") == ["small{stem}.PNG"]
    assert call(["in/a.jpg", "a.tif"]) == 0
    draw(photos.parent / "in/b.bmp")
    assert call(["in/b.bmp", "b.bmp", "--width", "8"]) == 0
    with Image.open("a.tif") as made, Image.open("b.bmp") as kept:
        assert (made.format, kept.format) == ("TIFF", "BMP")
    assert sorted(os.listdir()) == ["a.tif", "b.bmp", "in", "new"]


def test_an_existing_file_is_kept_if_an_option_says_so(photos: Path, draw: Draw) -> None:
    before = draw(photos.parent / "b.jpg").read_bytes()
    assert call(["in/a.jpg", "b.jpg", "--width", "8", "--if-exists", "skip"]) == 0
    assert (photos.parent / "b.jpg").read_bytes() == before


@pytest.mark.slow
def test_a_directory_with_the_suffix_of_a_picture_is_a_directory(photos: Path) -> None:
    (photos.parent / "out.jpg").mkdir()
    assert call(["in/a.jpg", "out.jpg", "--width", "8"]) == 0
    assert call(["in/a.jpg", "new.jpg/", "--width", "8"]) == 0
    assert call(["in", "other.jpg", "--width", "8"]) == 0
    assert all((photos.parent / name / "a.jpg").exists() for name in ("out.jpg", "new.jpg", "other.jpg"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["b.jpg", "--format", "png"], "DESTINATION: 'b.jpg' must end in .png: its format is png"),
        (["b.heic", "--width", "8"], "DESTINATION: 'b.heic': HEIF files cannot be written; use one of .jpg"),
        (["b.jpg", "--width", "8,9"], "DESTINATION: 'b.jpg' is one file for 2 outputs: use a directory"),
        (["b.jpg", "--name", "x"], "--name requires a directory as DESTINATION, not 'b.jpg'"),
        (["b.jpg", "--prune"], "--prune requires a directory as DESTINATION, not 'b.jpg'"),
        (["in/a.jpg", "--width", "8"], "DESTINATION: 'in/a.jpg' would overwrite its source"),
    ],
)
def test_a_file_as_destination_must_fit(
    flags: list[str], message: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["in/a.jpg", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"forkresize: {message}")
    assert os.listdir(photos.parent) == ["in"]
