"""HEIC sources whose outputs keep the format: read, but written as JPEG, under a name that shows both."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize import Outcome, PoolOptions, Recipe, Settings, Summary, run, transform
from forkresize.errors import FieldError
from forkresize.loss import Loss
from forkresize.plan import recipe_for_file

pillow_heif = pytest.importorskip("pillow_heif")
WARNING = "written as JPEG: HEIC cannot be written"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pillow_heif.register_heif_opener()
    path = tmp_path / "in/IMG_1.HEIC"
    path.parent.mkdir()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(path, "HEIF")
    return path


def make(folder: Path, **settings: Any) -> tuple[Summary, list[Outcome]]:
    outcomes: list[Outcome] = []
    place = folder / ("in" if settings.get("in_place") else "out")
    asked = Settings(pool=PoolOptions(workers=1, retries=0), **settings)
    return run([folder / "in"], place, Recipe.of(width=16), settings=asked, observers=[outcomes.append]), outcomes


@pytest.mark.slow
def test_a_jpeg_is_written_with_a_warning_and_only_once(tmp_path: Path, photo: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "in/IMG_1.jpg")
    summary, outcomes = make(tmp_path)
    assert (summary.written, summary.exit_code, summary.losses) == (2, 0, {Loss.FORMAT: 1})
    assert [each.warnings for each in outcomes if each.source.path == str(photo)] == [(WARNING,)]
    with Image.open(tmp_path / "out/IMG_1.HEIC.jpg") as image:
        assert (image.format, image.width) == ("JPEG", 16)
    assert sorted(path.name for path in (tmp_path / "out").glob("IMG*")) == ["IMG_1.HEIC.jpg", "IMG_1.jpg"]
    again, _ = make(tmp_path, prune=True)
    assert (again.unchanged, again.written, again.pruned) == (2, 0, 0)


@pytest.mark.slow
def test_another_source_with_the_name_of_the_output_keeps_it(tmp_path: Path, photo: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "in/IMG_1.HEIC.jpg")
    summary, outcomes = make(tmp_path)
    assert (summary.written, summary.skipped) == (1, 1)
    [skipped] = [each for each in outcomes if each.source.path == str(photo)]
    assert skipped.error == f"{tmp_path}/in/IMG_1.HEIC.jpg has it"
    with Image.open(tmp_path / "out/IMG_1.HEIC.jpg") as image:
        assert image.mode == "L"


@pytest.mark.slow
def test_it_is_not_replaced(tmp_path: Path, photo: Path) -> None:
    before = photo.read_bytes()
    summary, [outcome] = make(tmp_path, in_place=True, no_backup=True)
    assert (summary.failed, outcome.error) == (1, "its format can be read but not written")
    assert [path.name for path in (tmp_path / "in").iterdir() if path.name != ".forkresize"] == ["IMG_1.HEIC"]
    assert photo.read_bytes() == before


def test_bytes_become_a_jpeg_too(photo: Path) -> None:
    [made] = transform(photo.read_bytes(), Recipe.of(width=16))
    assert (made.format, made.warnings) == ("jpeg", (WARNING,))
    [asked] = transform(photo.read_bytes(), Recipe.of(width=16, format="jpeg"))
    assert (asked.data, asked.warnings) == (made.data, ())


def test_one_output_cannot_be_named_as_one() -> None:
    with pytest.raises(FieldError, match="HEIF files cannot be written"):
        recipe_for_file(Recipe.of(width=8), "a.heic", "b.heic")
