"""TOML files that people write: values, their lines, and errors with file, line and key."""

from forkresize.tomlfile.document import Document, parse, read
from forkresize.tomlfile.errors import Path, TomlFileError, TomlValueError, format_key

__all__ = ["Document", "Path", "TomlFileError", "TomlValueError", "format_key", "parse", "read"]
