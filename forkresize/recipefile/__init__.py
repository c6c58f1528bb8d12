"""Recipe files: a Recipe as TOML, read and written. Makes no picture."""

from forkresize.recipefile.fault import RecipeFileError
from forkresize.recipefile.reading import load_recipe, loads
from forkresize.recipefile.writing import dumps

__all__ = ["RecipeFileError", "dumps", "load_recipe", "loads"]
