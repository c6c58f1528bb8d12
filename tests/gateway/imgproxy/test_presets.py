from pathlib import Path

import pytest

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy.presets import load_presets
from forkresize.recipe import Recipe
from forkresize.recipefile import RecipeFileError

THUMB = """
[[steps]]
resize = { fit = "cover" }
[[renditions]]
size = "300x200"
format = "webp"
"""


@pytest.fixture
def thumb(tmp_path: Path) -> str:
    file = tmp_path / "thumb.toml"
    file.write_text(THUMB)
    return str(file)


def test_a_preset_is_a_recipe_file(thumb: str) -> None:
    assert load_presets({"thumb": thumb}) == {"thumb": Recipe.of(width=300, height=200, fit="cover", format="webp")}


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a b", "ä", "a" * 65])
def test_a_name_that_cannot_be_part_of_a_url_is_refused(thumb: str, name: str) -> None:
    with pytest.raises(FieldError, match="invalid name"):
        load_presets({name: thumb})


def test_a_preset_with_several_outputs_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "web.toml"
    file.write_text(THUMB + '[[renditions]]\nsize = "600x"\n')
    with pytest.raises(FieldError, match=r"web=.*web\.toml: has 2 renditions; a preset needs one"):
        load_presets({"web": str(file)})


def test_an_invalid_recipe_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "web.toml"
    file.write_text("colour = 1\n")
    with pytest.raises(RecipeFileError, match=r"web\.toml"):
        load_presets({"web": str(file)})
