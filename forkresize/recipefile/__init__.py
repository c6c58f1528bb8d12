"""Recipe files: a Recipe as TOML, read and written. Makes no picture."""

from forkresize.recipefile.dump import dumps
from forkresize.recipefile.errors import RecipeFileError
from forkresize.recipefile.load import load_recipe, loads

__all__ = ["RecipeFileError", "dumps", "load_recipe", "loads"]
