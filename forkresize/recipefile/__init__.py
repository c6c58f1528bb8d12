"""Recipe files: a Recipe as TOML, read and written."""

from forkresize.recipefile.dump import dumps
from forkresize.recipefile.load import RecipeFileError, load_recipe, loads

__all__ = ["RecipeFileError", "dumps", "load_recipe", "loads"]
