"""Where the output of a source goes: the name template. Pure."""

import hashlib
import os
import posixpath
import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from forkresize.errors import UsageError
from forkresize.job import Source
from forkresize.recipe import Recipe
from forkresize.storage import HOUSEKEEPING

DEFAULT_TEMPLATE = "{stem}{ext}"

FIELDS = ("stem", "ext", "name", "dir", "width", "height", "format", "hash8")


@dataclass(frozen=True, slots=True)
class Naming:
    """How outputs are named.

    Attributes:
        destination: the directory that all outputs lie below.
        recipe: what is made; gives the suffix, the format and the size of the target box.
        template: the output's path below the directory of its source; with ``{dir}`` in it, below the destination.

    Raises:
        UsageError: the template names an unknown field, one that has no value here, or leads out of the destination.
    """

    destination: str
    recipe: Recipe
    template: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        fields = self.fields
        for field in ("width", "height"):
            if field in fields and getattr(self.recipe, field) is None:
                raise UsageError(f"--name: {{{field}}} has no value without --{field}")
        if self.template.startswith("/") or any(".." in path.split("/") for path in self._shapes()):
            raise UsageError(f"--name: {self.template!r} does not stay below the destination")
        if any(HOUSEKEEPING in path.split("/") for path in self._shapes()):
            raise UsageError(f"--name: {self.template!r} leads into {HOUSEKEEPING}, which is not for outputs")
        if not self.template or self.template.endswith("/") or "\0" in self.template:
            raise UsageError(f"--name: {self.template!r} is no file name")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the template uses, in order."""
        return tuple(field for _, field in parse(self.template) if field is not None)

    @property
    def is_injective(self) -> bool:
        """Whether two sources of one tree can never meet in one output, by the template's shape alone."""
        if self.fields == ("name",):
            return True
        literals = "".join(literal for literal, _ in parse(self.template))
        return self.recipe.format is None and self.fields == ("stem", "ext") and not set("./") & set(literals)

    def place(self, source: Source, mark: str = "") -> str:
        """Return the path of the source's output.

        Args:
            source: the picture.
            mark: put behind the stem, to tell outputs apart that would have had one name.
        """
        folder, name = posixpath.split(source.relative)
        values = self._values(source, folder, name, mark)
        placed = "".join(literal + (values[field] if field else "") for literal, field in parse(self.template))
        below = "" if "dir" in self.fields else folder
        return os.path.join(self.destination, below, placed.lstrip("/"))

    def _shapes(self) -> Iterator[str]:
        """Yield what the template can come to: every field, in every combination, may be empty."""
        parts, fields = parse(self.template), sorted(set(self.fields))
        for filling in product(("", "x"), repeat=len(fields)):
            values = dict(zip(fields, filling, strict=True))
            yield "".join(literal + (values[field] if field else "") for literal, field in parts)

    def _values(self, source: Source, folder: str, name: str, mark: str) -> dict[str, str]:
        stem, suffix = posixpath.splitext(name)
        wanted = self.recipe.format
        return {
            "stem": stem + mark,
            "ext": wanted.suffix if wanted else suffix,
            "name": stem + mark + suffix,
            "dir": folder,
            "width": str(self.recipe.width),
            "height": str(self.recipe.height),
            "format": str(wanted) if wanted else suffix.lstrip(".").lower(),
            "hash8": self._hash8(source) if "hash8" in self.fields else "",
        }

    def _hash8(self, source: Source) -> str:
        """Eight hex digits that change with the source's place, size and time and with the recipe: they bust caches."""
        told = f"{source.relative}\0{source.size}\0{source.mtime_ns}\0{self.recipe.fingerprint()}"
        return hashlib.blake2b(os.fsencode(told), digest_size=4).hexdigest()


def parse(template: str) -> list[tuple[str, str | None]]:
    """Split a template into pairs of literal text and the field that follows it.

    Raises:
        UsageError: the template is malformed or names an unknown field.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"--name: {template!r}: {error}") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in FIELDS or spec or conversion):
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise UsageError(f"--name: {{{field}}} in {template!r} is no field; there are {known}")
    return [(literal, field) for literal, field, _, _ in parts]
