"""The keys of outputs: the name template. Pure."""

import os
import posixpath
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain, product

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import FieldError
from forkresize.formats import SUBSTITUTES
from forkresize.hashing import blake2b
from forkresize.job import Output, Source
from forkresize.recipe import Recipe
from forkresize.store import STATE_DIR

_SAMPLE = Source("sample", "sample")

FIELDS = ("stem", "ext", "name", "dir", "width", "height", "format", "hash8")


class Naming(Struct, frozen=True, dict=True):
    """How outputs are named.

    Attributes:
        recipe: what is made; gives the suffix, the format and the size of the target box.
        template: the output's path relative to the directory of its source; with ``{dir}`` in it, to the destination.
            None is ``{stem}{ext}``, with as much of the box's size between as the renditions need to differ.
        flat: put all outputs directly below the destination.

    Raises:
        FieldError: the template has an unknown field, or one without a value here, leads out of the destination, can
            produce an empty file name, or gives several renditions one name.
    """

    recipe: Recipe
    template: str | None = None
    flat: bool = False

    def __post_init__(self) -> None:
        if self.template is None:
            force_setattr(self, "template", default_template(self.recipe))
        self._check_values()
        self._check_paths()
        keys = Counter(self.key_for(_SAMPLE, number) for number in range(len(self.recipe.renditions)))
        if max(keys.values()) > 1:
            message = (
                f"{self.template!r} gives several renditions one name; add a field that differs, such as {{width}}"
            )
            raise FieldError("name", message)

    @cached_property
    def mirrors_source(self) -> bool:
        """Whether the key of each output is the relative path of its source, unless its format cannot be written."""
        single = len(self.recipe.renditions) == 1 and self.recipe.renditions[0].format is None
        return self.template in {"{stem}{ext}", "{name}"} and single and not self.flat

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the template, in order."""
        return tuple(field for _, field in self._parts() if field is not None)

    @property
    def is_injective(self) -> bool:
        """Whether the form of the template alone guarantees that two sources of one tree never share an output.

        Except for a source whose format cannot be written, and another one that has the name of its output.
        """
        if self.flat or len(self.recipe.renditions) > 1:
            return False
        if self.fields == ("name",):
            return True
        literals = "".join(literal for literal, _ in self._parts())
        kept = self.recipe.renditions[0].format is None
        return kept and self.fields == ("stem", "ext") and not set("./") & set(literals)

    def outputs(self, source: Source, suffix: str = "") -> tuple[Output, ...]:
        """Return the outputs of a source, one for each rendition.

        If the source's own format is one of several requested formats, it is made once. A suffix, which separates
        outputs that would share a name, is appended to the stem.
        """
        if self.mirrors_source and not suffix and not has_substitute(source.relative):
            return (Output(source.relative),)
        keys = [self.key_for(source, number, suffix) for number in range(len(self.recipe.renditions))]
        return tuple(Output(key, number) for number, key in enumerate(keys) if key not in keys[:number])

    def keys_in(self, prefix: str, names: Sequence[str]) -> list[list[str]] | None:
        """Return the keys of the outputs of sources in one directory: a list for each rendition, in the order of names.

        Args:
            prefix: what precedes the names in the relative paths of the sources.
            names: of the sources.

        Returns:
            None if two outputs share a key, or a key depends on more than the name; see ``outputs`` for those.
        """
        if self.mirrors_source:
            return [[prefix + name for name in names]]
        if "hash8" in self.fields:
            return None
        sources = [Source("", prefix + name) for name in names]
        columns = [
            [self.key_for(source, number) for source in sources] for number in range(len(self.recipe.renditions))
        ]
        distinct = set(chain.from_iterable(columns))
        return columns if len(distinct) == len(columns) * len(names) else None

    def key_for(self, source: Source, rendition: int = 0, suffix: str = "") -> str:
        """Return the key of one output of a source."""
        directory, name = posixpath.split(source.relative)
        values = self._values(source, directory, name, rendition, suffix)
        filled = "".join(literal + (values[field] if field else "") for literal, field in self._parts())
        above = "" if self.flat or "dir" in self.fields else directory
        return posixpath.normpath(posixpath.join(above, filled.lstrip("/")))

    def _parts(self) -> list[tuple[str, str | None]]:
        return parse(self.template or "")

    def _check_values(self) -> None:
        for field in ("width", "height"):
            if field in self.fields and any(getattr(each.size, field) is None for each in self.recipe.renditions):
                raise FieldError("name", f"{{{field}}} has no value, as no {field} is set")

    def _check_paths(self) -> None:
        template, paths = self.template or "", [path.split("/") for path in self._possible_paths()]
        if template.startswith("/") or any(".." in path for path in paths):
            raise FieldError("name", f"{template!r} leads out of the destination")
        if any(STATE_DIR in path for path in paths):
            raise FieldError("name", f"{template!r} leads into {STATE_DIR}, which is reserved")
        if not _is_encodable(template):
            raise FieldError("name", f"{template!r} contains characters that a file name cannot have")
        if any(path[-1] in {"", "."} for path in paths):
            raise FieldError("name", f"{template!r} can produce an empty file name; include {{stem}} or {{name}}")

    def _possible_paths(self) -> Iterator[str]:
        """Yield one path for each kind that the template can produce, with "x" for any text that is not empty."""
        parts, fields = self._parts(), sorted(set(self.fields))
        keeps_format = any(each.format is None for each in self.recipe.renditions)
        # A source may have no directory, and no suffix or just a dot.
        special = {"dir": ("", "x")} | ({"ext": ("", ".", ".x"), "format": ("", "x")} if keeps_format else {})
        for filling in product(*(special.get(field, ("x",)) for field in fields)):
            values = dict(zip(fields, filling, strict=True))
            yield "".join(literal + (values[field] if field else "") for literal, field in parts)

    def _values(self, source: Source, directory: str, name: str, number: int, suffix: str) -> dict[str, str]:
        stem, extension = posixpath.splitext(name)
        rendition = self.recipe.renditions[number]
        if rendition.format is None and (substitute := SUBSTITUTES.get(extension.lower())):
            # The source's suffix stays, as IMG_1.jpg may be beside IMG_1.HEIC.
            extension += substitute.suffix
        return {
            "stem": stem + suffix,
            "ext": rendition.format.suffix if rendition.format else extension,
            "name": stem + suffix + extension,
            "dir": directory,
            "width": str(rendition.size.width),
            "height": str(rendition.size.height),
            "format": str(rendition.format) if rendition.format else extension.rpartition(".")[2].lower(),
            "hash8": self._hash8(source) if "hash8" in self.fields else "",
        }

    def _hash8(self, source: Source) -> str:
        """Return eight hex digits that change with the source's path, size and time and with the recipe."""
        text = f"{source.relative}\0{source.size}\0{source.mtime_ns}\0{self.recipe.fingerprint()}"
        return blake2b(os.fsencode(text), digest_size=4).hexdigest()


_SUBSTITUTED = tuple(SUBSTITUTES)


def has_substitute(name: str) -> bool:
    """Return whether a file has the suffix of a format that is only read, and that another is written for."""
    return name.lower().endswith(_SUBSTITUTED)


def _is_encodable(template: str) -> bool:
    """Return whether a file name can contain the template's text."""
    try:
        return b"\0" not in os.fsencode(template)
    except UnicodeEncodeError:
        return False


def default_template(recipe: Recipe) -> str:
    """Return the template whose names differ by the size of the box, if a recipe has several renditions."""
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
        FieldError: the template is malformed or has an unknown field.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise FieldError("name", f"{template!r}: {error}") from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in FIELDS or spec or conversion):
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise FieldError("name", f"unknown field {{{field}}} in {template!r}: use {known}")
    return [(literal, field) for literal, field, _, _ in parts]
