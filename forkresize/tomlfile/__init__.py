"""TOML files that people write: read, with every value's line, and told of by file, line and key. Knows no key."""

from forkresize.tomlfile.document import Document, parse, read
from forkresize.tomlfile.fault import Fault, Path, TomlFileError, key_of

__all__ = ["Document", "Fault", "Path", "TomlFileError", "key_of", "parse", "read"]
