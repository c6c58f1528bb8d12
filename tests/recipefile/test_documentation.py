import re
from pathlib import Path

import pytest

from forkresize.recipe import Recipe
from forkresize.recipefile import RecipeFileError, loads
from forkresize.recipefile.schema import RENDITION, STEPS, TOP, key_name

DOCS = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_recipe(example: str) -> None:
    assert loads(example) != Recipe()


@pytest.mark.parametrize(
    "field", [*TOP, *RENDITION, *STEPS, *(field for form in STEPS.values() for field in form.keys)]
)
def test_every_key_is_told_of(field: str) -> None:
    assert re.search(rf"`[^`]*\b{key_name(field)}\b[^`]*`", DOCS)


def test_the_error_shown_is_the_error_given() -> None:
    with pytest.raises(RecipeFileError) as refusal:
        loads(EXAMPLES[0].replace("gravity", "gravty"), name="web.toml")
    assert f"    {refusal.value}\n" in DOCS
