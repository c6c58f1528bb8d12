"""The files that the recipes of a gateway name, read once at its start: RecipeFiles."""

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct

from forkresize.batch.fingerprint import hash_content, referenced_files
from forkresize.errors import FieldError, describe
from forkresize.recipe import Recipe

_MAX_SIZE = 128_000_000


class RecipeFiles(Struct, frozen=True):
    """The files that recipes name, as they were at the start of the gateway.

    Workers get these contents, also those that are started later: what is made is what its fingerprint says, even if
    a file has changed since.

    Attributes:
        contents: by path.
        hashes: by path, as fingerprints of recipes contain them.
        changed: seconds since the epoch of the last change of any; 0 without files.
    """

    contents: Mapping[str, bytes]
    hashes: Mapping[str, str]
    changed: int

    @classmethod
    def read(cls, recipes: Iterable[Recipe]) -> "RecipeFiles":
        """Read the files of recipes.

        Raises:
            FieldError: one cannot be read.
        """
        paths = sorted({path for recipe in recipes for path in referenced_files(recipe)})
        found = {path: _read(path) for path in paths}
        return cls(
            {path: content for path, (content, _) in found.items()},
            {path: hash_content(content) for path, (content, _) in found.items()},
            max((changed for _, changed in found.values()), default=0),
        )


def _read(path: str) -> tuple[bytes, int]:
    """Return the content of a file, and the time of its last change in seconds since the epoch."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_SIZE + 1)
            changed = int(os.fstat(file.fileno()).st_mtime)
    except OSError as error:
        raise FieldError("watermark", f"{path!r} cannot be read: {describe(error)}") from error
    if len(content) > _MAX_SIZE:
        raise FieldError("watermark", f"{path!r} has more than {_MAX_SIZE // 1_000_000} MB")
    return content, changed
