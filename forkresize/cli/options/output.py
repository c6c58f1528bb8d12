"""The options of the outputs, except those that the recipe declares."""

import click

from forkresize.cli.options.model import Option
from forkresize.cli.options.recipe import recipe_options
from forkresize.cli.types import HEADER

_FILE = click.Path(dir_okay=False)

OUTPUT = [
    *recipe_options("Output"),
    Option(
        "--name",
        metavar="TEMPLATE",
        help="Name of an output; fields are {stem} {ext} {name} {dir} {width} {height} {format} {hash8}. "
        "[default: {stem}{ext}, or {stem}-{width}w{ext} for several widths]",
    ),
    Option("--flat", is_flag=True, help="Put all outputs directly into DESTINATION, without subdirectories."),
    Option(
        "--recipe",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE.toml",
        help="Read the recipe from a file. Options override what it says.",
    ),
    Option(
        "--cache-control",
        default="",
        metavar="TEXT",
        help="The Cache-Control header of outputs in an object store, such as 'public, max-age=31536000'.",
    ),
    Option(
        "--metadata-header",
        multiple=True,
        type=HEADER,
        metavar="NAME=VALUE",
        help="Metadata of outputs in an object store, which S3 sends as the header x-amz-meta-NAME. May be repeated.",
    ),
    Option("--show-recipe", is_flag=True, help="Print the recipe of --recipe and the options, and exit."),
    Option("--manifest", type=_FILE, metavar="FILE.json", help="List all outputs of every source, with their sizes."),
    Option("--srcset", type=_FILE, metavar="FILE.html", help="Write an HTML <picture> element for every source."),
]
