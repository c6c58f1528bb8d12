"""The settings of pictures on demand."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy.signature import MAX_SIZE, MIN_SIZE

_Share = Annotated[float, Meta(ge=0, le=1)]


class PictureUrlSettings(Struct, frozen=True, kw_only=True):
    """The settings of pictures on demand.

    Attributes:
        key_file: the path of a file with keys and salts; None for a gateway that checks no signatures.
        signature_size: bytes that are kept of a signature.
        presets: paths of recipe files, by the name of the preset.
        presets_only: whether URLs may only name a preset, and no options.
        watermark: the path of the picture for the option ``watermark``; None if it is not accepted.
        watermark_opacity: the most of it; the opacity in a URL is a share of it.
        max_age: seconds that caches may keep a picture whose URL does not change with it.

    Raises:
        FieldError: settings contradict each other.
    """

    key_file: str | None = None
    signature_size: Annotated[int, Meta(ge=MIN_SIZE, le=MAX_SIZE)] = MAX_SIZE
    presets: Mapping[str, str] = {}
    presets_only: bool = False
    watermark: str | None = None
    watermark_opacity: _Share = 1.0
    max_age: Annotated[int, Meta(ge=0)] = 3600

    def __post_init__(self) -> None:
        if self.presets_only and not self.presets:
            raise FieldError("presets_only", "needs at least one preset, as NAME=FILE")
