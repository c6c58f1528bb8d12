"""TOML files that people write: read, with every value's line, and told of by file, line and key. Knows no key."""

from forkresize.tomlfile.document import Document, parse, read
from forkresize.tomlfile.errors import Path, TomlFileError, TomlValueError, format_key

__all__ = ["Document", "Path", "TomlFileError", "TomlValueError", "format_key", "parse", "read"]
