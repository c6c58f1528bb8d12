"""Where the output of a source goes: the name template. Pure."""

import hashlib
import os
import posixpath
import string
from collections import Counter
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import product

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import UsageError
from forkresize.job import Output, Source
from forkresize.recipe import Recipe
from forkresize.storage import STATE_DIR

_SAMPLE = Source("sample", "sample")

FIELDS = ("stem", "ext", "name", "dir", "width", "height", "format", "hash8")


class Naming(Struct, frozen=True, dict=True):
    """How outputs are named.

    Attributes:
        destination: the directory that all outputs lie below.
        recipe: what is made; gives the suffix, the format and the size of the target box.
        template: the output's path below the directory of its source; with ``{dir}`` in it, below the destination.
            None is ``{stem}{ext}``, with as much of the box's size between as it takes to tell the renditions apart.
        flat: put all outputs right below the destination.

    Raises:
        UsageError: the template names an unknown field, one that has no value here, leads out of the destination, may
            come to no file name, or gives several renditions one name.
    """

    destination: str
    recipe: Recipe
    template: str | None = None
    flat: bool = False

    def __post_init__(self) -> None:
        if self.template is None:
            force_setattr(self, "template", default_template(self.recipe))
        self._check_values()
        self._check_shape()
        places = Counter(self.place(_SAMPLE, number) for number in range(len(self.recipe.renditions)))
        if max(places.values()) > 1:
            raise UsageError(
                f"--name: {self.template!r} gives several renditions one name; something that differs has to be in it"
            )

    @cached_property
    def keeps_places(self) -> bool:
        """Whether each output lies below the destination as its source lies below its root."""
        alone = len(self.recipe.renditions) == 1 and self.recipe.renditions[0].format is None
        return self.template in {"{stem}{ext}", "{name}"} and alone and not self.flat

    @cached_property
    def _prefix(self) -> str:
        return os.path.join(self.destination, "")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the template uses, in order."""
        return tuple(field for _, field in self._parts() if field is not None)

    @property
    def is_injective(self) -> bool:
        """Whether two sources of one tree can never meet in one output, by the template's shape alone."""
        if self.flat or len(self.recipe.renditions) > 1:
            return False
        if self.fields == ("name",):
            return True
        literals = "".join(literal for literal, _ in self._parts())
        kept = self.recipe.renditions[0].format is None
        return kept and self.fields == ("stem", "ext") and not set("./") & set(literals)

    def outputs(self, source: Source, mark: str = "") -> tuple[Output, ...]:
        """Return the outputs of a source, one a rendition.

        Where the source's own format is one of several that are asked for, it is made once.

        Args:
            source: the picture.
            mark: put behind the stem, to tell outputs apart that would have had one name.
        """
        if self.keeps_places and not mark:
            return (Output(f"{self._prefix}{source.relative}"),)
        paths = [self.place(source, number, mark) for number in range(len(self.recipe.renditions))]
        return tuple(Output(path, number) for number, path in enumerate(paths) if path not in paths[:number])

    def place(self, source: Source, rendition: int = 0, mark: str = "") -> str:
        """Return the path of one output of a source."""
        folder, name = posixpath.split(source.relative)
        values = self._values(source, folder, name, rendition, mark)
        placed = "".join(literal + (values[field] if field else "") for literal, field in self._parts())
        below = "" if self.flat or "dir" in self.fields else folder
        return os.path.join(self.destination, below, placed.lstrip("/"))

    def _parts(self) -> list[tuple[str, str | None]]:
        return parse(self.template or "")

    def _check_values(self) -> None:
        for field in ("width", "height"):
            if field in self.fields and any(getattr(each.size, field) is None for each in self.recipe.renditions):
                raise UsageError(f"--name: {{{field}}} has no value without --{field}")

    def _check_shape(self) -> None:
        template, shapes = self.template or "", [shape.split("/") for shape in self._shapes()]
        if template.startswith("/") or any(".." in shape for shape in shapes):
            raise UsageError(f"--name: {template!r} does not stay below the destination")
        if any(STATE_DIR in shape for shape in shapes):
            raise UsageError(f"--name: {template!r} leads into {STATE_DIR}, which is not for outputs")
        if not _is_encodable(template):
            raise UsageError(f"--name: {template!r} is no file name")
        if any(shape[-1] in {"", "."} for shape in shapes):
            raise UsageError(f"--name: {template!r} may come to no file name; {{stem}} or {{name}} is never empty")

    def _shapes(self) -> Iterator[str]:
        """Yield what the template can come to, as far as its literal text decides what kind of path that is."""
        parts, fields = self._parts(), sorted(set(self.fields))
        kept = any(each.format is None for each in self.recipe.renditions)
        # A source at the top has no directory; one may have no suffix, or a dot for one.
        may_be = {"dir": ("", "x")} | ({"ext": ("", ".", ".x"), "format": ("", "x")} if kept else {})
        for filling in product(*(may_be.get(field, ("x",)) for field in fields)):
            values = dict(zip(fields, filling, strict=True))
            yield "".join(literal + (values[field] if field else "") for literal, field in parts)

    def _values(self, source: Source, folder: str, name: str, rendition: int, mark: str) -> dict[str, str]:
        stem, suffix = posixpath.splitext(name)
        asked = self.recipe.renditions[rendition]
        return {
            "stem": stem + mark,
            "ext": asked.format.suffix if asked.format else suffix,
            "name": stem + mark + suffix,
            "dir": folder,
            "width": str(asked.size.width),
            "height": str(asked.size.height),
            "format": str(asked.format) if asked.format else suffix.lstrip(".").lower(),
            "hash8": self._hash8(source) if "hash8" in self.fields else "",
        }

    def _hash8(self, source: Source) -> str:
        """Eight hex digits that change with the source's place, size and time and with the recipe: they bust caches."""
        told = f"{source.relative}\0{source.size}\0{source.mtime_ns}\0{self.recipe.fingerprint()}"
        return hashlib.blake2b(os.fsencode(told), digest_size=4).hexdigest()


def _is_encodable(template: str) -> bool:
    """Whether the system can take a template's text for a file's name."""
    try:
        return b"\0" not in os.fsencode(template)
    except UnicodeEncodeError:
        return False


def default_template(recipe: Recipe) -> str:
    """Return the template that tells a recipe's renditions apart by the size of their box, if there are several."""
    sizes = {(rendition.size.width, rendition.size.height) for rendition in recipe.renditions}
    widths, heights = ({size[side] for size in sizes} for side in (0, 1))
    if len(sizes) == 1:
        return "{stem}{ext}"
    if None not in widths and len(widths) == len(sizes):
        return "{stem}-{width}w{ext}"
    if None not in heights and len(heights) == len(sizes):
        return "{stem}-{height}h{ext}"
    return "{stem}{ext}" if None in widths | heights else "{stem}-{width}x{height}{ext}"


@lru_cache(maxsize=8)
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
