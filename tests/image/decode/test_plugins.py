"""Plug-ins are loaded for the formats that are met; afterwards, all formats are still read."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.formats import SPECS
from forkresize.image.decode.plugins import load_plugins, reader_of
from forkresize.image.decode.png import FastPngImageFile

Scene = Callable[..., Image.Image]

PROBE = """
import sys
from forkresize.image.decode.identify import identify
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        image = identify(file, path)
        image.load()
    print(image.format, *sorted(name[4:-11] for name in sys.modules if name.endswith("ImagePlugin")))
"""


@pytest.mark.slow
def test_a_jpeg_loads_no_other_decoder_and_a_later_picture_loads_its_own(scene: Scene, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jpg", "b.webp", "c.pcx")]
    for path in paths:
        scene().save(path)
    run = subprocess.run(
        [sys.executable, "-c", PROBE, *map(str, paths)], capture_output=True, text=True, timeout=60, check=True
    )
    first, second, third = run.stdout.splitlines()
    assert first == "JPEG Jpeg"
    assert second == "WEBP Jpeg WebP"
    # It has no signature: all formats with one are tried before.
    assert third.startswith("PCX ")


@pytest.mark.parametrize("name", [spec.name.upper() for spec in SPECS.values() if spec.plugin])
def test_every_format_has_a_reader(name: str) -> None:
    load_plugins([name])
    reader, _ = reader_of(name)
    assert callable(reader)


def test_readers_of_this_package_take_the_place_of_those_of_pillow() -> None:
    assert reader_of("PNG")[0] is FastPngImageFile
