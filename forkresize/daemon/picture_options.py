"""The options of ``forkresized gateway`` for pictures on demand."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from forkresize.cli.types import DURATION, whole
from forkresize.daemon.named import parse_named

if TYPE_CHECKING:
    from forkresize.gateway.derivatives.settings import DerivativeSettings
    from forkresize.gateway.imgproxy.settings import PictureUrlSettings

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--unsigned", is_flag=True, help="Let anyone ask for any picture, without a signature."),
    click.option(
        "--key-file",
        metavar="FILE",
        help="Keys that sign the URLs of pictures: KEY:SALT in hexadecimal on each line; the first one signs.",
    ),
    click.option(
        "--signature-size",
        type=whole("n", 8, 32),
        default=32,
        show_default=True,
        help="Bytes of a signature, if the programs that sign leave out a part.",
    ),
    click.option(
        "--preset",
        "presets",
        multiple=True,
        metavar="NAME=FILE",
        help="A recipe file that URLs name; the one named default is for URLs that name none. May be repeated.",
    ),
    click.option(
        "--presets-only", is_flag=True, help="Let URLs name a preset, and nothing else that changes a picture."
    ),
    click.option("--watermark", metavar="FILE", help="The picture that the option watermark of URLs overlays."),
    click.option(
        "--watermark-opacity",
        type=click.FloatRange(0, 1),
        default=1.0,
        show_default=True,
        help="Its opacity; the one in a URL is a share of it.",
    ),
    click.option(
        "--max-age",
        type=DURATION,
        default="1h",
        show_default=True,
        help="How long caches may keep a picture whose URL does not change with it.",
    ),
)


_STORE_OPTIONS = (
    click.option("--store", metavar="URL", help="Keep pictures that were made below this path or URL. [default: none]"),
    click.option(
        "--store-ledger",
        metavar="URL",
        help="Record them in this database, such as postgresql://HOST/DATABASE. [default: as of batches]",
    ),
)


def picture_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed((*_OPTIONS, *_STORE_OPTIONS)):
        command = option(command)
    return command


def picture_settings(options: Mapping[str, Any]) -> "PictureUrlSettings":
    """Return what the options specify.

    Raises:
        FieldError: a value is malformed, or contradicts another.
    """
    from forkresize.gateway.imgproxy.settings import PictureUrlSettings

    return PictureUrlSettings(
        key_file=options["key_file"],
        signature_size=options["signature_size"],
        presets=parse_named("preset", options["presets"]),
        presets_only=options["presets_only"],
        watermark=options["watermark"],
        watermark_opacity=options["watermark_opacity"],
        max_age=int(options["max_age"]),
    )


def derivative_settings(options: Mapping[str, Any]) -> "DerivativeSettings":
    """Return what the options specify.

    Raises:
        FieldError: the ledger cannot be used.
    """
    from forkresize.gateway.derivatives.settings import DerivativeSettings

    return DerivativeSettings(store=options["store"], ledger=options["store_ledger"])
