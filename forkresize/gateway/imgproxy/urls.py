"""The URLs of pictures: checked, read, and signed: PictureUrls."""

import os
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from msgspec import Struct, json
from msgspec.structs import replace

from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.batch.remote.renderer import PackedRecipe
from forkresize.errors import ConflictError, FieldError
from forkresize.formats import Format
from forkresize.gateway.derivatives.places import Target
from forkresize.gateway.imgproxy.geometry import SourceSize
from forkresize.gateway.imgproxy.options import Options
from forkresize.gateway.imgproxy.path import PictureRequest, parse_path
from forkresize.gateway.imgproxy.presets import load_presets
from forkresize.gateway.imgproxy.recipe import PLAIN, Recipes, WatermarkFile
from forkresize.gateway.imgproxy.recipe_files import RecipeFiles
from forkresize.gateway.imgproxy.settings import PictureUrlSettings
from forkresize.gateway.imgproxy.signature import PREFIX, Signer, load_keys
from forkresize.gateway.problem import Problem, problem_of_usage
from forkresize.recipe import Recipe, Watermark

_CACHED = 4096
"""URLs and recipes that are kept: requests for one picture come together."""

_HANDLING: Mapping[str, Any] = {"cachebuster": "", "expires": 0, "filename": "", "attachment": False, "format": None}
"""Options that change nothing in a picture of a given format, with their defaults."""


class PictureUrls:
    """Checks, reads and signs the URLs of pictures.

    Args:
        settings: of pictures on demand.
        unsigned: whether signatures are not checked.

    Attributes:
        signer: checks signatures.
        recipes: makes recipes of options.
        files: that recipes name, as they were at the start.
        changed: seconds since the epoch at which a preset or a file changed last.

    Raises:
        FieldError: neither or both of a key file and unsigned URLs are asked for; or a file cannot be used.
        RecipeFileError: the file of a preset cannot be read, or holds an invalid recipe.
    """

    def __init__(self, settings: PictureUrlSettings, *, unsigned: bool) -> None:
        if unsigned and settings.key_file is not None:
            raise ConflictError("unsigned", "key_file")
        if not unsigned and settings.key_file is None:
            raise FieldError("key_file", "pictures need signed URLs: specify a file with keys, or unsigned URLs")
        keys = load_keys(settings.key_file) if settings.key_file is not None else ()
        self.signer = Signer(keys, settings.signature_size)
        watermark = _watermark(settings)
        self.recipes = Recipes(load_presets(settings.presets), watermark)
        self.files = RecipeFiles.read(self._fixed_recipes())
        self.changed = max(_last_change(settings.presets.values()), self.files.changed)
        self._only_presets = settings.presets_only
        self._parse = lru_cache(_CACHED)(self._parse_raw)
        self.variant = lru_cache(_CACHED)(self._find_variant)
        self._variants: dict[tuple[bytes, Format | str | None], Variant] = {}

    @property
    def presets(self) -> list[str]:
        """The names of the presets."""
        return list(self.recipes.presets)

    @property
    def with_files(self) -> list[PackedRecipe]:
        """The recipes that name files, which a renderer has to load at its start."""
        recipes = self._fixed_recipes()
        return [PackedRecipe.of(each) for each in recipes if any(isinstance(step, Watermark) for step in each.steps)]

    def _fixed_recipes(self) -> list[Recipe]:
        """Return the recipes that are known before any URL: those of presets, and one with the watermark."""
        watermark = self.recipes.watermark
        marked = [] if watermark is None else [PLAIN.with_options(watermark=watermark.path)]
        return [*self.recipes.presets.values(), *marked]

    def url(self, path: str) -> str:
        """Return the path of a URL with its signature.

        Args:
            path: all that follows the signature, from the slash on, escaped as it is sent.

        Raises:
            Problem: 400: it is malformed, or has an option or an argument that is not accepted.
        """
        self.parse(path)
        return self.signer.url(path)

    def parse(self, path: str) -> PictureRequest:
        """Return what a path asks for; see ``parse_path``.

        Raises:
            Problem: 400: it is malformed, or has an option or an argument that is not accepted.
        """
        try:
            return parse_path(path, self.recipes.presets, only_presets=self._only_presets)
        except FieldError as error:
            raise problem_of_usage(error) from None

    def check(self, raw_path: bytes) -> PictureRequest:
        """Return what the path of a URL asks for, if its signature is valid and its time has not passed.

        Args:
            raw_path: as it was sent, with the prefix and the signature.

        Raises:
            Problem: 403: the signature is invalid. 404: it has expired. 400: see ``parse``.
        """
        found = self._parse(raw_path)
        if 0 < found.options.expires < time.time():
            raise Problem(HTTPStatus.NOT_FOUND, "this URL has expired", field="expires")
        return found

    def _parse_raw(self, raw_path: bytes) -> PictureRequest:
        signature, slash, rest = raw_path[len(PREFIX) :].partition(b"/")
        path = slash + rest
        if not self.signer.verifies(signature.decode("latin-1"), path):
            raise Problem(HTTPStatus.FORBIDDEN, "the signature is not valid for this URL", field="signature")
        try:
            return self.parse(path.decode("ascii"))
        except UnicodeDecodeError:
            raise Problem(HTTPStatus.BAD_REQUEST, "use ASCII, with other characters escaped", field="path") from None

    def _find_variant(self, raw_path: bytes, output: Format | None) -> "Variant":
        """Return what is made of a picture, by the raw path of a URL that was checked.

        Args:
            raw_path: of the URL.
            output: the format that was negotiated; None for that of the options.

        Raises:
            Problem: 400: options contradict each other.
        """
        options = self._parse(raw_path).options
        # Most URLs of a site have the same few options.
        same = json.encode(replace(options, **_HANDLING)), options.format if output is None else output
        found = self._variants.get(same)
        if found is None:
            found = self._make_variant(options, output)
            if len(self._variants) >= _CACHED:
                self._variants.clear()
            self._variants[same] = found
        return found

    def _make_variant(self, options: Options, output: Format | None) -> "Variant":
        if self.recipes.needs_size(options):
            base = fingerprint_recipe(self.recipes.base(options), None, hashes=self.files.hashes).renditions[0]
            chosen = options.format if output is None else output
            return Variant(base + repr((replace(options, **_HANDLING), chosen)).encode())
        target = self.target(options, output)
        return Variant(target.identity, target)

    def target(self, options: Options, output: Format | None, size: tuple[int, int] | None = None) -> Target:
        """Return what options make of a picture; see ``make``."""
        return Target.of(self.make(options, output, size), self.files.hashes)

    def make(self, options: Options, output: Format | None, size: tuple[int, int] | None = None) -> Recipe:
        """Return the recipe of options; see ``Recipes.make``.

        Raises:
            Problem: 400: options contradict each other.
        """
        try:
            return self.recipes.make(options, output, None if size is None else SourceSize(*size))
        except FieldError as error:
            raise problem_of_usage(error) from None


class Variant(Struct, frozen=True):
    """What is made of a picture.

    Attributes:
        identity: changes with all that the result depends on besides the source.
        target: what to make; None if it depends on the size of the source.
    """

    identity: bytes
    target: Target | None = None


def _watermark(settings: PictureUrlSettings) -> WatermarkFile | None:
    if settings.watermark is None:
        return None
    return WatermarkFile(os.path.abspath(settings.watermark), settings.watermark_opacity)


def _last_change(paths: Iterable[str]) -> int:
    """Return when the newest of some files changed, in seconds since the epoch; 0 without files."""
    return max((int(os.stat(path).st_mtime) for path in paths), default=0)
