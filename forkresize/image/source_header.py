"""What is known of a picture once its header was read."""

from functools import cached_property

from PIL.ImageFile import ImageFile

from forkresize.formats import FormatSpec, OutputSpec, source_spec, tiff
from forkresize.image.decode.frame_count import count_frames
from forkresize.image.decode.raw import is_preview
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import decoding
from forkresize.image.geometry.region import Dimensions
from forkresize.image.limits import check_frames, check_total_pixels
from forkresize.image.metadata.credentials import has_credentials
from forkresize.image.picture import View
from forkresize.recipe import Animation, Recipe


class SourceHeader:
    """A picture whose header has been read.

    Attributes:
        image: Pillow's image; stands at the frame that was read last.
        view: all of the picture, upright as EXIF says.
    """

    def __init__(self, image: ImageFile, recipe: Recipe, diagnostics: Diagnostics, name: str) -> None:
        self.image = image
        self.view = View.whole(image.size)
        self._recipe = recipe
        self._diagnostics = diagnostics
        self._name = name
        self._profile: bytes | None = None
        self._visible_images = 0
        self._has_credentials = False

    @property
    def spec(self) -> FormatSpec:
        """Its format."""
        return source_spec(self.image.format)

    @property
    def format_name(self) -> str:
        """The name of its format in records."""
        return "raw" if is_preview(self.image) else str(self.image.format).lower()

    @property
    def size(self) -> Dimensions:
        """Width and height in pixels, upright."""
        return self.view.size

    @property
    def profile(self) -> bytes | None:
        """The ICC profile that the pixels follow, embedded or derived from other color information; None for sRGB."""
        if self.image.format == "TIFF":
            # Each page has its own, but Pillow keeps only one.
            return self.image.tag_v2.get(tiff.ICC_PROFILE)  # type: ignore[attr-defined, no-any-return]
        return self._profile or self.image.info.get("icc_profile")

    @property
    def has_credentials(self) -> bool:
        """Whether it has content credentials. Those of a PNG may come after the pixels, and be known only then."""
        return self._has_credentials or (self.image.format == "PNG" and has_credentials(self.image))

    @property
    def supports_shrink_on_load(self) -> bool:
        """Whether it can be decoded at a smaller scale."""
        return self.spec.shrinks_on_load

    @property
    def is_animated(self) -> bool:
        """Whether it has several frames with durations."""
        return self.spec.animated and self.frame_count > 1

    @property
    def is_paged(self) -> bool:
        """Whether it has several pages."""
        return self.spec.paged and self.frame_count > 1

    @cached_property
    def frame_count(self) -> int:
        """How many frames, pages or other visible pictures it has; counting may stop above the limit.

        Raises:
            PictureError: it is damaged between the frames.
        """
        if self._visible_images:
            return self._visible_images
        # The first frame of a PSD is the whole picture; the others are its layers.
        if self.image.format == "PSD":
            return 1
        if self.spec.stores_frame_count:
            return int(getattr(self.image, "n_frames", 1)) - self._first
        with decoding(self._name, self._diagnostics):
            return count_frames(self.image, self._recipe.max_frames) - self._first

    def frames_for(self, output: OutputSpec) -> int:
        """Return how many frames go into an output: all if the recipe keeps them and the format holds them, or one.

        Raises:
            PictureError: there are too many frames, or they have too many pixels.
        """
        fits = (output.animated and self.is_animated) or (output.paged and self.is_paged)
        if self._recipe.animation is Animation.FIRST or not fits:
            return 1
        check_frames(self.frame_count, self._recipe.max_frames)
        if self.is_animated:
            width, height = self.image.size
            check_total_pixels(width * height * self.frame_count, self._recipe.max_pixels)
        return self.frame_count

    @property
    def _first(self) -> int:
        """Index of the first frame: 1 for an APNG with a default image that is not part of the animation."""
        return int(bool(getattr(self.image, "default_image", False)) and getattr(self.image, "n_frames", 1) > 1)
