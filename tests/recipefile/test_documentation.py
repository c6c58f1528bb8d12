import re
from pathlib import Path

import pytest

from forkresize.recipe import Recipe
from forkresize.recipefile import RecipeFileError, loads
from forkresize.recipefile.decode import RENDITION, STEP_KINDS, TOP, key_name

DOCS = (Path(__file__).parents[2] / "docs/reference/recipes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_valid_recipe(example: str) -> None:
    assert loads(example) != Recipe()


@pytest.mark.parametrize(
    "field", [*TOP, *RENDITION, *STEP_KINDS, *(field for step in STEP_KINDS.values() for field in step.__annotations__)]
)
def test_every_key_is_documented(field: str) -> None:
    assert re.search(rf"`[^`]*\b{key_name(field)}\b[^`]*`", DOCS)


def test_the_documented_error_is_the_one_that_is_raised() -> None:
    with pytest.raises(RecipeFileError) as refusal:
        loads(EXAMPLES[0].replace("gravity", "gravty"), name="web.toml")
    assert f"    {refusal.value}\n" in DOCS
