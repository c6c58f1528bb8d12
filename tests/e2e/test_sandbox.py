"""The installed command with sandboxed workers: the same outcomes, for sources in any place."""

import hashlib
import json
import os
import subprocess
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, features

from tests.protocols import Draw, Run

pytestmark = pytest.mark.slow

SUFFIXES = "jpg png webp avif gif tiff bmp dib dds ico jp2 pcx ppm qoi sgi tga".split()
TIMES = {"seconds", "decode_seconds", "resize_seconds", "encode_seconds", "worker", "peak_rss", "destination"}


def digests(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and ".forkresize" not in path.parts)
    return {str(path.relative_to(folder)): digest(path) for path in found}


def digest(path: Path) -> str:
    # An animated AVIF contains the time of its creation.
    data = path.read_bytes() if not path.match("moving*.avif") else b"%d" % path.stat().st_size
    return hashlib.sha256(data).hexdigest()


def records(report: Path) -> dict[tuple[str, str], Any]:
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    return {
        (line["source"], os.path.basename(line["destination"] or "")): {
            name: value for name, value in line.items() if name not in TIMES
        }
        for line in lines
    }


@pytest.fixture
def mixed(tmp_path: Path, draw: Draw) -> Path:
    """A folder with a picture of each kind, and a file that is not a picture."""
    folder = tmp_path / "in"
    for suffix in SUFFIXES:
        if suffix != "avif" or features.check("avif"):
            draw(folder / f"plain/a.{suffix}", size=(200, 150))
    frames = [Image.new("RGB", (60, 40), (40 * number, 0, 0)) for number in range(4)]
    for suffix in ("gif", "webp", "png", "tiff"):
        frames[0].save(folder / f"plain/moving.{suffix}", save_all=True, append_images=frames[1:])
    draw(folder / "plain/cmyk.jpg", mode="CMYK")
    draw(folder / "plain/gray.png", mode="L")
    whole = (folder / "plain/a.jpg").read_bytes()
    (folder / "plain/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "plain/notes.txt").write_text("no picture")
    (folder / "plain/empty.png").touch()
    if find_spec("pillow_heif"):
        import_module("pillow_heif").from_pillow(frames[1]).save(folder / "plain/phone.heic")
    if find_spec("pillow_jxl"):
        import_module("pillow_jxl")
        frames[1].save(folder / "plain/new.jxl")
    return folder


@pytest.mark.parametrize(
    "options",
    [
        ["--width", "32"],
        ["--width", "64,32", "--format", "jpeg,webp,avif", "--watermark-text", "© é", "--effort", "9"],
        ["--width", "40", "--watermark", "mark.png", "--animation", "first", "--metadata", "all"],
        ["--width", "500", "--if-larger", "keep-original", "--on-truncated", "salvage"],
    ],
    ids=["plain", "several", "logo", "original"],
)
def test_outcomes_are_the_same_with_and_without_the_sandbox(
    options: list[str], tmp_path: Path, mixed: Path, forkresize: Run, draw: Draw
) -> None:
    draw(tmp_path / "mark.png", size=(30, 20))
    seen = []
    for mode in ("off", "on"):
        result = forkresize(
            "in", f"out-{mode}", "--sandbox", mode, "--report", f"{mode}.jsonl", "--json", *options, "--on-collision",
            "suffix",
        )  # fmt: skip
        seen.append((result.returncode, digests(tmp_path / f"out-{mode}"), records(tmp_path / f"{mode}.jsonl")))
        assert bool(json.loads(result.stdout)["sandbox"]) == (mode == "on"), result.stderr
    assert seen[0][1]
    assert seen[0] == seen[1]


def test_sources_outside_of_the_trees_are_read(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "elsewhere/linked.jpg", seed=1)
    draw(tmp_path / "elsewhere/folder/deep.png", seed=2)
    draw(tmp_path / "in/own.jpg", seed=3)
    (tmp_path / "in/link.jpg").symlink_to("../elsewhere/linked.jpg")
    (tmp_path / "in/folder").symlink_to(tmp_path / "elsewhere/folder")
    result = forkresize("in", "out", "--width", "20", "--sandbox", "on", "--symlinks", "follow")
    assert (result.returncode, result.stderr) == (0, "")
    assert set(digests(tmp_path / "out")) == {"own.jpg", "link.jpg", "folder/deep.png"}

    (tmp_path / "names").write_text("elsewhere/linked.jpg\nelsewhere/folder/deep.png\n")
    result = forkresize("--files-from", "names", "listed", "--width", "20", "--sandbox", "on")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(digests(tmp_path / "listed")) == 2

    options = ["--width", "900", "--sandbox", "on", "--if-larger", "keep-original"]
    result = forkresize("elsewhere/linked.jpg", "named", *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert set(digests(tmp_path / "named")) == {"linked.jpg"}


def test_in_place_works_in_the_sandbox(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    picture = draw(tmp_path / "in/a.jpg", size=(90, 60))
    result = forkresize("--in-place", "in", "--backup-dir", "kept", "--width", "30", "--sandbox", "on")
    assert (result.returncode, result.stderr) == (0, "")
    with Image.open(picture) as image:
        assert image.size == (30, 20)
    assert (tmp_path / "kept/a.jpg").exists()


def test_thumbnails_of_a_report_are_created_in_the_sandbox(tmp_path: Path, forkresize: Run, draw: Draw) -> None:
    draw(tmp_path / "in/a.jpg")
    assert forkresize("in", "out", "--width", "20", "--sandbox", "on", "--report", "page.html").returncode == 0
    assert "data:image/webp" in (tmp_path / "page.html").read_text()


def test_an_unreadable_source_gives_the_same_error_as_without_sandbox(
    tmp_path: Path, forkresize: Run, draw: Draw
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    draw(tmp_path / "in/a.jpg").chmod(0)
    errors = [forkresize("in", f"out-{mode}", "--width", "20", "--sandbox", mode).stderr for mode in ("off", "on")]
    assert "Permission denied" in errors[0]
    assert errors[0] == errors[1]


@pytest.mark.parametrize("fifo", ["in/a.jpg", "elsewhere"])
def test_a_file_that_becomes_a_pipe_does_not_block(fifo: str, tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / fifo)
    if fifo == "elsewhere":
        (tmp_path / "in/a.jpg").symlink_to("../elsewhere")
    assert forkresize("in", "out", "--width", "20").returncode == 0


LACKING = """
import sys
from forkresize import cli
from forkresize.pool.sandbox import landlock
landlock.abi_version = lambda: 0
sys.argv = ["forkresize", *sys.argv[1:]]
cli.main()
"""


def test_a_missing_layer_is_an_error_with_on_and_reported_with_auto(
    tmp_path: Path, draw: Draw, command: list[str]
) -> None:
    draw(tmp_path / "in/a.jpg")
    python = os.path.join(os.path.dirname(command[0]), "python")

    def lacking(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [python, "-c", LACKING, "in", "out", "--width", "20", *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    refused = lacking("--sandbox", "on")
    assert refused.returncode == 3
    assert "lacks landlock" in refused.stderr
    assert not (tmp_path / "out").exists()

    taken = lacking("--json", "-v", "--progress", "tqdm")
    assert taken.returncode == 0
    assert "landlock" not in str(json.loads(taken.stdout)["sandbox"])
    assert "no landlock" in " ".join(taken.stderr.split())
