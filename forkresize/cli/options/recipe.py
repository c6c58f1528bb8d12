"""The options that say what to make of a picture, by help panel. Holds names, types, defaults and help; no behavior."""

import click

from forkresize.cli.info.completion import complete_formats
from forkresize.cli.options.model import Option
from forkresize.cli.types import BYTES, COLOR, FORMATS, NUMBER, PERCENT, PIXELS, QUALITY, EnumChoice, whole
from forkresize.recipe import (
    MAX_SIDE,
    Animation,
    Axis,
    Color,
    Fit,
    Gravity,
    IfLarger,
    Metadata,
    OnTruncated,
    Resample,
    Subsampling,
)
from forkresize.recipe.options import KEEP, TILE

_DIRECTIONS = [word.value for word in Gravity if word not in {Gravity.ENTROPY, Gravity.ATTENTION}]

SIZE = [
    Option(
        "-w",
        "--width",
        type=PIXELS,
        metavar="PX[,PX…]",
        help="Width of the target box. Several make several outputs from one decode.",
    ),
    Option(
        "--height",
        type=PIXELS,
        metavar="PX[,PX…]",
        help="Height of the target box. With one side alone, the other follows from the picture's ratio.",
    ),
    Option(
        "--size",
        metavar="GEOMETRY",
        help="Size in mogrify's notation: 800x600, 800x, x600, 50%, 2000000@; ! stretches, ^ is outside the box, > "
        "only makes smaller, < only larger.",
    ),
    Option("--long-edge", type=whole("px", 1, MAX_SIDE), help="Length of the longer side."),
    Option("--short-edge", type=whole("px", 1, MAX_SIDE), help="Length of the shorter side."),
    Option("--scale", type=PERCENT, metavar="PERCENT", help="Share of the source's width and height."),
    Option("--megapixels", type=NUMBER, metavar="MP", help="Area, in millions of pixels."),
    Option(
        "--fit",
        type=EnumChoice(Fit),
        default=Fit.INSIDE,
        help="How a picture meets the box, as in CSS: all of it inside; cropped to cover it; padded to contain it; "
        "just outside; or stretched to fill it.",
    ),
    Option(
        "--gravity",
        type=EnumChoice(Gravity),
        default=Gravity.CENTER,
        help="What cover keeps, and where contain puts the picture. entropy and attention keep what is richest in "
        "detail, or what draws the eye.",
    ),
    Option("--focus", metavar="X,Y", help="The point that cover keeps in view, 0 to 1 from the left and from the top."),
    Option("--enlarge/--no-enlarge", default=False, help="Make pictures smaller than the box larger."),
    Option("--resample", type=EnumChoice(Resample), default=Resample.LANCZOS, help="Resampling kernel."),
    Option("--linear", is_flag=True, help="Resample in linear light: slower, and right for fine patterns of contrast."),
]

OPERATIONS = [
    Option(
        "--auto-orient/--no-auto-orient", default=True, help="Turn pictures upright as their EXIF or XMP tells, first."
    ),
    Option("--rotate", type=NUMBER, metavar="DEG", help="Turn clockwise; other angles than quarters show background."),
    Option("--flip", type=EnumChoice(Axis), help="Mirror: h puts left for right, v top for bottom."),
    Option("--crop", metavar="WxH+X+Y", help="Keep a part of the source, in its pixels."),
    Option("--trim", is_flag=True, help="Cut off borders of one color."),
    Option("--grayscale", is_flag=True, help="Leave out the colors."),
    Option("--blur", type=NUMBER, metavar="R", help="Blur by a Gaussian of this many pixels of the output."),
    Option(
        "--sharpen",
        default="none",
        metavar="none|auto|R,P,T",
        help="Unsharp mask after resizing: radius, percent and threshold.",
    ),
    Option("--border", type=whole("px", 1), help="Put a frame of the background's color around."),
    Option(
        "--background",
        type=COLOR,
        default="white",
        help="Behind transparency that the output cannot hold, and wherever there is no picture.",
    ),
    Option("--watermark", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Put a picture over it."),
    Option("--watermark-text", metavar="TEXT", help="Write over it."),
    Option("--watermark-gravity", type=click.Choice([*_DIRECTIONS, TILE]), default="south-east", help="Where."),
    Option(
        "--watermark-scale",
        type=NUMBER,
        default="15",
        metavar="%",
        help="Size of the watermark, in per cent of the output's shorter side.",
    ),
    Option("--watermark-opacity", type=NUMBER, default="0.5", metavar="0..1", help="How much of it is seen."),
    Option("--watermark-margin", type=NUMBER, default="2", metavar="%", help="Distance from the borders, likewise."),
    Option(
        "--watermark-font",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="TrueType or OpenType font of the text. [default: one that has Latin letters]",
    ),
]

OUTPUT = [
    Option(
        "-f",
        "--format",
        type=FORMATS,
        default=KEEP,
        metavar="FORMAT[,FORMAT…]",
        shell_complete=complete_formats,
        help="keep, jpeg, png, webp, avif, gif or tiff. Several make several outputs from one decode.",
    ),
    Option(
        "-q",
        "--quality",
        type=QUALITY,
        metavar="N|FORMAT=N,…",
        help="1 to 100, for all formats or for each by name. [default: jpeg=80,webp=78,avif=55]",
    ),
    Option("--lossless", is_flag=True, help="Encode without loss where the format offers both."),
    Option("--progressive/--baseline", default=False, help="Make JPEGs that show coarsely at first."),
    Option(
        "--subsampling",
        type=EnumChoice(Subsampling),
        default=Subsampling.AUTO,
        help="Resolution of the colors. auto: 444 from quality 90 on, 420 below.",
    ),
    Option("--effort", type=whole("n", 1, 10), help="1 is fastest, 10 makes the smallest file."),
    Option("--palette", type=whole("n", 2, 256), help="Reduce a PNG or GIF to so many colors."),
    Option("--max-bytes", type=BYTES, metavar="SIZE", help="Lower the quality, then the size, to make no file larger."),
    Option("--ssim", type=NUMBER, metavar="0..1", help="Find the lowest quality that is at least so similar."),
    Option(
        "--if-larger",
        type=EnumChoice(IfLarger),
        default=IfLarger.WRITE,
        help="An output of the source's own size and format that came out larger: write it, or keep the source's coded "
        "pixels.",
    ),
    Option(
        "--metadata",
        type=EnumChoice(Metadata),
        default=Metadata.SAFE,
        help="What to keep of EXIF, XMP, IPTC and texts. safe: all but position, serial numbers, maker notes.",
    ),
    Option(
        "--color",
        type=EnumChoice(Color),
        default=Color.SRGB,
        help="Convert colors to sRGB, or keep them as they are, with their profile.",
    ),
    Option(
        "--animation",
        type=EnumChoice(Animation),
        default=Animation.KEEP,
        help="Frames and pages: keep all where the output can hold them, or the first.",
    ),
    Option(
        "--on-truncated",
        type=EnumChoice(OnTruncated),
        default=OnTruncated.FAIL,
        help="A file that ends too early: fail, or make what there is of it.",
    ),
    Option(
        "--name",
        metavar="TEMPLATE",
        help="Name of an output, of {stem} {ext} {name} {dir} {width} {height} {format} {hash8}. "
        "[default: {stem}{ext}, or {stem}-{width}w{ext} for several widths]",
    ),
    Option("--flat", is_flag=True, help="Put all outputs right below DESTINATION."),
    Option(
        "--recipe",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE.toml",
        help="Read what to make from a file, instead of from options.",
    ),
    Option("--show-recipe", is_flag=True, help="Print the recipe file that the options amount to, and exit."),
    Option(
        "--manifest",
        type=click.Path(dir_okay=False),
        metavar="FILE.json",
        help="List all outputs of every source, with their sizes.",
    ),
    Option(
        "--srcset",
        type=click.Path(dir_okay=False),
        metavar="FILE.html",
        help="Write an HTML <picture> for every source.",
    ),
]
