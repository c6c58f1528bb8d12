"""The error of a recipe file. Finds nothing wrong itself."""

from forkresize.tomlfile import TomlFileError


class RecipeFileError(TomlFileError):
    """A recipe file can't be read, or asks for what can't be met."""
