"""What a format declares: how to recognize and read it, what it holds, how to encode it. Loads no Pillow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.formats.metadata import MetadataBlocks
from forkresize.formats.package import OptionalPackage

if TYPE_CHECKING:
    from PIL.Image import Image

Images: TypeAlias = "Sequence[Image]"

Options = dict[str, Any]
"""Keyword arguments of Pillow's ``Image.save``."""

Warn = Callable[[str], None]

FULL_CHROMA_QUALITY = 90
"""From this quality on, automatic subsampling keeps colors at full resolution."""

DEEP_COLORS = frozenset({"RGB;16", "RGBA;16"})
"""The modes of more than 8 bits per channel in color, which Pillow lacks."""

_DEEP_FACTOR = 3
"""How many times as much they take: twice the bytes, whose lower half is hardly compressed."""

MIN_EFFORT, MAX_EFFORT = 1, 10

THOROUGH_EFFORT = 7
"""The lowest effort at which optional packages make files smaller."""

_FAST_SEARCH = 6
"""The highest effort at which AVIF's encoder searches one frame at a time and no deeper."""

_PALETTE, _PALETTE_ALPHA = 15, 20
_MEASURING: Mapping[str, int] = {"luma": 20, "color": 60}
"""Bytes a pixel for reducing colors, and for comparing with the decoded output, in 32 bits a value."""


class UnsupportedContainerError(ValueError):
    """A file is damaged, or holds a part that decoding may depend on."""


class Block(StrEnum):
    """A kind of metadata, as warnings name it."""

    EXIF = "EXIF"
    XMP = "XMP"
    IPTC = "IPTC"
    COMMENT = "comment"
    TEXTS = "texts"
    RESOLUTION = "resolution"


class EncodeRequest(Struct, frozen=True, kw_only=True):
    """What an encoder is asked for.

    Attributes:
        mode: pixel mode of the first frame, in Pillow's terms.
        size: its width and height in pixels.
        durations: of each frame of an animation, in milliseconds; empty for a still picture and for pages.
        loop: how often an animation plays, 0 is forever; None if unknown.
        frames: how many frames or pages there are.
        quality: 1 to 100; None for a format without qualities, and for lossless.
        lossless, progressive, subsampling, effort, palette, max_bytes, ssim, ssim_metric: see ``recipe.Rendition``.
    """

    mode: str
    size: tuple[int, int] = (0, 0)
    durations: tuple[int, ...] = ()
    loop: int | None = None
    frames: int = 1
    quality: int | None = None
    lossless: bool = False
    progressive: bool = False
    subsampling: str = "auto"
    effort: int | None = None
    palette: int | None = None
    max_bytes: int | None = None
    ssim: float | None = None
    ssim_metric: str = "color"

    @property
    def chroma(self) -> str:
        """The subsampling in Pillow's notation, such as 4:2:0; automatic subsampling depends on the quality."""
        subsampling = self.subsampling
        if self.quality is None:
            subsampling = "444"
        elif subsampling == "auto":
            subsampling = "444" if self.quality >= FULL_CHROMA_QUALITY else "420"
        return ":".join(subsampling)

    def scale_effort(self, fastest: int, smallest: int, *, default: int) -> int:
        """Map the effort to an encoder's scale, from its fastest setting to the one that makes the smallest file."""
        if self.effort is None:
            return default
        share = (self.effort - MIN_EFFORT) / (MAX_EFFORT - MIN_EFFORT)
        return round(fastest + share * (smallest - fastest))


def is_thorough(request: EncodeRequest) -> bool:
    """Whether an encoder is asked to work without loss, or with its slow methods."""
    return request.lossless or (request.effort or 0) > _FAST_SEARCH


class EncodingMemory(Struct, frozen=True, kw_only=True):
    """How much memory encoding takes, in bytes a pixel beyond the image itself, as measured.

    Attributes:
        plain: of gray, of opaque color, and with alpha; the default is a file in a buffer that grows, and its copy.
        thorough: the same if ``is_thorough``; None if it makes no difference.
        is_thorough: whether a request takes the larger amounts.
        frame: for every further frame; all are kept until the file is written.
        sequence: for an animation of any length: bytes a pixel, and bytes in any case.
        block: how many pixels are encoded at a time unless ``is_thorough``; None for all of them.
        waiting: bytes of each pixel beyond these.
    """

    plain: tuple[float, float, float] = (8, 8, 8)
    thorough: tuple[float, float, float] | None = None
    is_thorough: Callable[[EncodeRequest], bool] = is_thorough
    frame: float = 0
    sequence: tuple[float, int] = (0, 0)
    block: int | None = None
    waiting: float = 0

    def for_first_frame(self, pixels: int, request: EncodeRequest) -> float:
        """Return the bytes for the first frame, given its pixels."""
        at_once = pixels if self.block is None or self.is_thorough(request) else min(pixels, self.block)
        return at_once * self.per_pixel(request) + (pixels - at_once) * self.waiting

    def per_pixel(self, request: EncodeRequest) -> float:
        """Return the bytes a pixel of the first frame."""
        measuring = _MEASURING[request.ssim_metric] if request.ssim is not None else 0
        alpha = request.mode in {"RGBA", "RGBA;16"}
        if request.palette:
            return measuring + (_PALETTE_ALPHA if alpha else _PALETTE)
        depth = _DEEP_FACTOR if request.mode in DEEP_COLORS else 1
        amounts = self.thorough if self.thorough and self.is_thorough(request) else self.plain
        return measuring + depth * amounts[2 if alpha else int(request.mode != "L")]

    def for_further_frames(self, pixels: int, number: int) -> float:
        """Return the bytes for frames beyond the first, given the pixels of one frame."""
        ahead = pixels * self.sequence[0] + self.sequence[1] if number else 0
        return ahead + pixels * number * self.frame


class Browsers(Struct, frozen=True):
    """Which browsers show a format.

    Attributes:
        all: whether every browser does, so that it can be the fallback.
        rank: 1 is offered first: the smaller files among the formats that some show, the best among the others.
    """

    all: bool
    rank: int


class OutputSpec(Struct, frozen=True, kw_only=True):
    """What a format can hold, and how it is encoded.

    Attributes:
        modes: the pixel modes that it stores without loss, in Pillow's terms.
        max_side: the longest side, in pixels.
        profile: whether it has a place for a color profile.
        animated: whether it holds several frames with durations.
        paged: whether it holds several pages.
        quality: the default quality; all look alike at theirs (``benchmarks/qualities.py``). None if it has none.
        applies: the fields of a rendition that have a meaning for this format and not for all.
        browsers: which browsers show it; None for no browser.
        stores: the metadata that it has a place for.
        palette_only: whether it stores at most 256 colors.
        palette_alpha: whether the colors of a palette can be translucent.
        memory: what encoding takes.
        options: the encoder's options.
        shortcut: ``module:function`` that encodes an image with these options of Pillow in less time than Pillow, or
            returns None for an image that it does not suit; empty for none.
        is_hasty: whether the file of the shortcut is good enough, without variants.
        variants: changes to the options that are tried in turn; the smallest file is kept.
        are_good_enough: whether the files so far make further variants pointless.
        encode_otherwise: encodes the pixels of the smallest variant by an optional package, and keeps its metadata, if
            that is asked for and makes it smaller.
        repack: makes the smallest of the variants smaller still, if the effort is worth it.
        correct: changes what the encoder writes wrongly, in every file.
        sequence_options: the options that describe several frames.
        metadata: the options that embed metadata; what does not fit is dropped with a warning.
        losses: warnings about what the format does not keep of the request.
        rewriter: ``module:function`` that replaces the metadata of a file without re-encoding it; empty for none.
        is_copied_whole: whether a file is copied if all its metadata is kept, since more in it belongs to the picture.
        is_coded_with_loss: whether encoding the pixels of a file again would lose some.
    """

    modes: frozenset[str]
    max_side: int = 2**31 - 1
    profile: bool = False
    animated: bool = False
    paged: bool = False
    quality: int | None = None
    applies: frozenset[str] = frozenset()
    browsers: Browsers | None = None
    stores: frozenset[Block] = frozenset()
    palette_only: bool = False
    palette_alpha: bool = False
    memory: EncodingMemory = EncodingMemory()
    options: Callable[[EncodeRequest], Options] = lambda _request: {}
    shortcut: str = ""
    is_hasty: Callable[[EncodeRequest], bool] = lambda _request: False
    variants: Callable[[EncodeRequest], list[Options]] = lambda _request: [{}]
    are_good_enough: Callable[[Sequence[bytes], Images, EncodeRequest], bool] = lambda _files, _images, _request: False
    encode_otherwise: Callable[[Images, EncodeRequest, bytes], bytes] = lambda _images, _request, data: data
    repack: Callable[[bytes, EncodeRequest], bytes] = lambda data, _request: data
    correct: Callable[[bytes], bytes] = lambda data: data
    sequence_options: Callable[[Images, EncodeRequest], Options] = lambda _images, _request: {}
    metadata: Callable[[MetadataBlocks, Warn], Options] = lambda _blocks, _warn: {}
    losses: Callable[[EncodeRequest], Iterable[str]] = lambda _request: ()
    rewriter: str = ""
    is_copied_whole: bool = False
    is_coded_with_loss: Callable[[bytes], bool] = lambda _data: False

    @property
    def is_always_lossy(self) -> bool:
        """Whether it has no lossless compression."""
        return self.quality is not None and "lossless" not in self.applies


DecoderMemory = Callable[[Any, float, int, int], float]
"""Bytes that a decoder takes beside the image: from the opened image, its pixels, channels, and the file's bytes."""


def buffer_file(per_pixel: float) -> DecoderMemory:
    """Return the memory of a decoder that reads the whole file, and takes bytes for each pixel."""
    return lambda _image, pixels, _channels, file_size: file_size + pixels * per_pixel


def in_place(_image: Any, _pixels: float, _channels: int, _file_size: int) -> float:
    """Return the memory of a decoder that works row by row, right into the image."""
    return 0


class FormatSpec(Struct, frozen=True, kw_only=True):
    """A file format.

    Attributes:
        name: in lower case, as in records and ``--format``; in upper case it is Pillow's name.
        label: the name in messages; by default the name in upper case.
        suffixes: its file name suffixes, the usual one first.
        media_type: its MIME type; by default ``image/<name>``.
        plugin: Pillow's module that reads it, without the common ending; empty if Pillow does not read it.
        signature: a regular expression for beginnings that no other kind of file has.
        weak_signature: the same for beginnings that other files have as well.
        by_suffix: whether it has no signature, so that a file is recognized only if its suffix matches.
        decoder: the package that reads it, if Pillow does not.
        accelerator: the package that reads the same pixels in less time than Pillow.
        packer: the package that makes its files smaller.
        encoder: the package that encodes it in fewer bytes than Pillow.
        decoder_memory: what decoding takes.
        shrinks_on_load: whether it can be decoded at a smaller scale.
        animated: whether a file can have several frames with durations.
        paged: whether a file can have several pages.
        frame_noun: what the pictures in one file are called.
        loop: how often an animation plays, from Pillow's info: 0 is forever, None unknown.
        stores_frame_count: whether a file stores how many frames it has.
        output: how it is written; None if it is only read.
        substitute: the format that is written in its place if an output keeps the format of its source; empty for none.
    """

    name: str
    label: str = ""
    suffixes: tuple[str, ...] = ()
    media_type: str = ""
    plugin: str = ""
    signature: bytes = b""
    weak_signature: bytes = b""
    by_suffix: bool = False
    decoder: OptionalPackage | None = None
    accelerator: OptionalPackage | None = None
    packer: OptionalPackage | None = None
    encoder: OptionalPackage | None = None
    decoder_memory: DecoderMemory = buffer_file(4)
    shrinks_on_load: bool = False
    animated: bool = False
    paged: bool = False
    frame_noun: str = "frames"
    loop: Callable[[Mapping[Any, Any]], int | None] = lambda info: info.get("loop")
    stores_frame_count: bool = True
    output: OutputSpec | None = None
    substitute: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "label", self.label or self.name.upper())
        force_setattr(self, "media_type", self.media_type or f"image/{self.name}")
