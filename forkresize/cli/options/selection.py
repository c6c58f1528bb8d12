"""The options that select the sources."""

import click

from forkresize.cli.options.model import Option
from forkresize.cli.options.rules import RuleOption
from forkresize.cli.types import BYTES, TIMESTAMP, enum_choice, whole
from forkresize.plan import OnCollision
from forkresize.walk import Symlinks

SELECTION = [
    Option("--recursive/--no-recursive", default=True, help="Search subdirectories of a SOURCE too."),
    Option("--max-depth", type=whole("n", 1), help="How many levels to search; 1: only the files in a SOURCE itself."),
    Option(
        "--include",
        cls=RuleOption,
        multiple=True,
        metavar="GLOB",
        help="Process files that match. The first --include or --exclude that matches decides.",
    ),
    Option("--exclude", cls=RuleOption, multiple=True, metavar="GLOB", help="Skip files and directories that match."),
    Option("--hidden", is_flag=True, help="Process files and directories whose name starts with a dot."),
    Option("--min-size", type=BYTES, metavar="SIZE", help="Skip smaller files; for example 10K or 64KiB."),
    Option("--max-size", type=BYTES, metavar="SIZE", help="Skip larger files."),
    Option(
        "--newer-than",
        type=TIMESTAMP,
        metavar="DATE|AGE|FILE",
        help="Only process files modified after a date (2026-01-31 or 2026-01-31T12:00), an age (2d), or the "
        "modification time of another file.",
    ),
    Option(
        "--symlinks",
        type=enum_choice(Symlinks),
        help="How to treat symbolic links. skip: skip all; follow: follow all. [default: follow links to files, skip "
        "links to directories]",
    ),
    Option(
        "--files-from",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        metavar="FILE|-",
        help="Read the names of the sources from a file, one per line, relative to SOURCE if it is given. Files inside "
        "DESTINATION are skipped.",
    ),
    Option("-0", "--null", is_flag=True, help="The names of --files-from end in NUL, as from find -print0."),
    Option(
        "--on-collision",
        type=enum_choice(OnCollision),
        default=OnCollision.ERROR,
        help="What to do if two sources map to one output. error: stop before any work; suffix: append the source's "
        "extension; skip: keep the first.",
    ),
]
