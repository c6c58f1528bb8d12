"""Pixels per inch: the same in the output as in the source, as ExifTool reads them."""

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.ExifTags import Base

from forkresize.image.metadata.resolution import read_resolution
from forkresize.image.transform import transform
from forkresize.recipe import Metadata, Recipe

KEPT = [Metadata.ALL, Metadata.SAFE, Metadata.COPYRIGHT]
FORMATS = ["jpeg", "png", "tiff"]


def _encode(format: str = "jpeg", **options: Any) -> bytes:  # noqa: A002 -- as Pillow names it.
    file = io.BytesIO()
    Image.linear_gradient("L").resize((40, 20)).save(file, format, **options)
    return file.getvalue()


def _resolution(data: bytes) -> tuple[float, float] | None:
    with Image.open(io.BytesIO(data)) as image:
        return image.info.get("dpi")


@pytest.mark.parametrize("policy", KEPT)
@pytest.mark.parametrize("source", [*FORMATS, "bmp"])
@pytest.mark.parametrize("output", [*FORMATS, "bmp"])
def test_pixels_per_inch_are_kept(source: str, output: str, policy: Metadata) -> None:
    if output == "bmp" and source != output:
        pytest.skip("a BMP is written for a BMP only")
    recipe = Recipe.of(width=20, metadata=policy, **({} if output == "bmp" else {"format": output}))
    [made] = transform(_encode(source, dpi=(300, 150)), recipe)
    assert _resolution(made.data) == pytest.approx((300, 150), abs=0.02)


def test_a_quarter_turn_exchanges_them() -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    [made] = transform(_encode(dpi=(300, 150), exif=exif), Recipe.of(width=10))
    assert _resolution(made.data) == (150, 300)


@pytest.mark.parametrize(("options", "expected"), [({}, None), ({"exif": True}, None), ({"dpi": (72, 72)}, (72, 72))])
def test_none_are_made_up(options: dict[str, Any], expected: tuple[int, int] | None) -> None:
    if "exif" in options:
        options = {"exif": Image.Exif()}
        options["exif"][Base.Make] = "maker"
    [made] = transform(_encode(**options), Recipe.of(width=20, metadata="copyright"))
    assert _resolution(made.data) == expected


def test_those_in_exif_alone_are_kept() -> None:
    exif = Image.Exif()
    exif.update({Base.XResolution: 240.0, Base.YResolution: 240.0, Base.ResolutionUnit: 2})
    [made] = transform(_encode(exif=exif), Recipe.of(width=20))
    assert _resolution(made.data) == (240, 240)


@pytest.mark.parametrize("odd", [(0.2, 0.2), (1e9, 300), (300, float("inf"))])
def test_impossible_ones_are_dropped(odd: tuple[float, float]) -> None:
    source = Image.open(io.BytesIO(_encode("png")))
    source.info["dpi"] = odd
    assert read_resolution(source, 1) is None


def test_no_metadata_means_none() -> None:
    [made] = transform(_encode(dpi=(300, 300)), Recipe.of(width=20, metadata="none"))
    assert _resolution(made.data) is None


@pytest.mark.skipif(not shutil.which("exiftool"), reason="ExifTool is not installed")
def test_exiftool_reads_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / f"a.{name}" for name in FORMATS]
    for path in paths:
        [made] = transform(_encode(dpi=(300, 150)), Recipe.of(width=20, format=path.suffix[1:]))
        path.write_bytes(made.data)
    command = [
        "exiftool",
        "-json",
        "-n",
        "-XResolution",
        "-YResolution",
        "-ResolutionUnit",
        "-PixelsPerUnit*",
        *map(str, paths),
    ]
    jpeg, png, tiff = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert [each["XResolution"] for each in (jpeg, tiff)] == [300, 300]
    assert [each["YResolution"] for each in (jpeg, tiff)] == [150, 150]
    assert [each["ResolutionUnit"] for each in (jpeg, tiff)] == [1, 2]  # inches, in both
    assert (png["PixelsPerUnitX"], png["PixelsPerUnitY"]) == (11_811, 5_906)
