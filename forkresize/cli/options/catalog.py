"""Every option, by help panel; those of the recipe are in a module of their own. Holds no behavior."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from forkresize.cli.info.help import PanelOption
from forkresize.cli.options.model import Option
from forkresize.cli.options.recipe import recipe_options
from forkresize.cli.options.settings import SETTINGS
from forkresize.cli.types import (
    BYTES,
    DURATION,
    MAX_ERRORS,
    MAX_PRUNE,
    MEMORY,
    SHARD,
    TIMESTAMP,
    RuleOption,
    enum_choice,
    whole,
)
from forkresize.plan import Compare, IfExists, OnCollision, Order
from forkresize.walk import Symlinks

Command = TypeVar("Command", bound=Callable[..., Any])


OUTPUT = [
    *recipe_options("Output"),
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

SELECTION = [
    Option("--recursive/--no-recursive", default=True, help="Walk the directories in a SOURCE too."),
    Option("--max-depth", type=whole("n", 1), help="Levels to walk down; 1 is a SOURCE's own files."),
    Option(
        "--include",
        cls=RuleOption,
        multiple=True,
        metavar="GLOB",
        help="Take files that match. Of all --include and --exclude the first that matches decides.",
    ),
    Option(
        "--exclude", cls=RuleOption, multiple=True, metavar="GLOB", help="Leave out files and directories that match."
    ),
    Option("--hidden", is_flag=True, help="Take files and directories whose name starts with a dot."),
    Option("--min-size", type=BYTES, metavar="SIZE", help="Leave out files that are smaller, such as 10K or 64KiB."),
    Option("--max-size", type=BYTES, metavar="SIZE", help="Leave out files that are larger."),
    Option(
        "--newer-than",
        type=TIMESTAMP,
        metavar="FILE|DATE|AGO",
        help="Leave out files that are not newer than this file, 2026-01-31, 2026-01-31T12:00, or 2d ago.",
    ),
    Option(
        "--symlinks",
        type=enum_choice(Symlinks),
        help="Symbolic links: skip all, or follow all. [default: follow those to files, skip those to directories]",
    ),
    Option(
        "--files-from",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True),
        metavar="FILE|-",
        help="Read the names of the sources from a file, one a line; relative to SOURCE if one is given. Those inside "
        "DESTINATION are left out.",
    ),
    Option("-0", "--null", is_flag=True, help="Names from --files-from end in NUL, as find -print0 writes them."),
    Option(
        "--on-collision",
        type=enum_choice(OnCollision),
        default=OnCollision.ERROR,
        help="Two sources for one output: refuse before any work, tell them apart by a suffix, or skip the second.",
    ),
]

REPEAT = [
    Option(
        "--if-exists",
        type=enum_choice(IfExists),
        default=IfExists.UPDATE,
        help="An output that is there: make it again if its source, its recipe or itself changed, leave it, make it "
        "again, or fail.",
    ),
    Option("--force", is_flag=True, help="Make everything again, like --if-exists overwrite."),
    Option(
        "--compare",
        type=enum_choice(Compare),
        default=Compare.STAT,
        help="What tells that a source changed: its size and time, or its content, which is read each time.",
    ),
    Option("--retry-failed", is_flag=True, help="Try again what failed in an earlier run, though it did not change."),
    Option(
        "--ledger/--no-ledger",
        default=True,
        help="Remember what was made, in DESTINATION/.forkresize. Without, outputs are judged by their times alone.",
    ),
    Option("--prune", is_flag=True, help="Remove outputs of earlier runs that lost their source, if unaltered."),
    Option(
        "--max-prune",
        type=MAX_PRUNE,
        default="10%",
        metavar="N|N%",
        help="Outputs, or share of them, above which --prune removes none, and the exit code is 3.",
    ),
    Option(
        "--in-place",
        is_flag=True,
        help="Replace each picture in SOURCE by its output, once; give no DESTINATION. There is no way back without "
        "--backup-dir.",
    ),
    Option(
        "--backup-dir",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Keep what --in-place replaces, in the same tree below DIR.",
    ),
    Option("--preserve-times", is_flag=True, help="Give each output the time of its source."),
    Option(
        "--lock-wait",
        type=DURATION,
        default="0",
        help="Time to wait for another run to free DESTINATION; after that the exit code is 75.",
    ),
    Option(
        "--watch",
        is_flag=True,
        help="When all is done, wait for more and go on, until Ctrl-C; a file is taken when it has stopped growing.",
    ),
    Option("-n", "--dry-run", is_flag=True, help="Tell what would be done to each file and why; do nothing."),
]

WORKERS = [
    Option("-j", "--workers", type=whole("n", 1), help="Worker processes. [default: the CPUs this process may use]"),
    Option("--timeout", type=DURATION, default="120s", help="Time a picture may take; 0 is for ever."),
    Option("--retries", type=whole("n", 0), default=1, help="Tries, alone, for a picture whose worker died."),
    Option("--max-tasks", type=whole("n", 0), default=0, help="Pictures before a worker is replaced; 0 is never."),
    Option(
        "--memory",
        type=MEMORY,
        help="Memory for all workers together; pictures wait for it. [default: 60 % of what there is]",
    ),
    *recipe_options("Workers"),
    Option(
        "--sandbox",
        type=click.Choice(["auto", "on", "off"]),
        default="auto",
        help="Let workers read the sources and write DESTINATION, and nothing else: as far as the system can, only if "
        "it can do all of it, or not at all.",
    ),
    Option("--max-errors", type=MAX_ERRORS, metavar="N|N%", help="Failures, or share of them, that stop the run."),
    Option(
        "--max-duration",
        type=DURATION,
        default="0",
        help="Time after which no more pictures are begun; the exit code is 10, and the next run goes on. 0 is no end.",
    ),
    Option(
        "--shard",
        type=SHARD,
        metavar="K/N",
        help="Take part K of N of the sources, by a hash of their paths, so that several runs can share a tree.",
    ),
    Option("--nice", type=whole("n", 0, 19), default=0, help="How much the workers give way to other processes."),
    Option(
        "--order",
        type=enum_choice(Order),
        default=Order.SIZE,
        help="What comes first, as far ahead as is known: the largest, the first by path, or the latest.",
    ),
]

REPORTING = [
    Option(
        "--progress",
        type=click.Choice(["auto", "rich", "tqdm", "none"]),
        default="auto",
        help="Progress view. auto: rich on a terminal, tqdm on a dumb one, none elsewhere.",
    ),
    Option("--quiet", is_flag=True, help="Print nothing but what stops the run."),
    Option("-v", "--verbose", is_flag=True, help="Print a line for each source."),
    Option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on standard output."),
    Option(
        "--report",
        multiple=True,
        type=click.Path(dir_okay=False),
        metavar="FILE.jsonl|.csv|.html",
        help="Write a record for each output, or a page with charts and thumbnails; {date} and {time} stand for the "
        "run's. Several may be given.",
    ),
    Option("--log-file", type=click.Path(dir_okay=False), metavar="FILE", help="Append what happens to a file."),
    Option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        help="What goes there. debug: every output; info: the run, and what was skipped; error: what failed.",
    ),
    Option("--log-format", type=click.Choice(["text", "json"]), default="text", help="How a line of it looks."),
    Option(
        "--metrics-file",
        type=click.Path(dir_okay=False),
        metavar="FILE.prom",
        help="Keep metrics of all runs in a file for Prometheus' node_exporter.",
    ),
    Option("--strict", is_flag=True, help="Skipped files count as failures, but for those whose outputs are there."),
    Option("--error-on-empty", is_flag=True, help="End with exit code 9 if there is no picture."),
]

PANELS = {
    "Size": recipe_options("Size"),
    "Operations": recipe_options("Operations"),
    "Output": OUTPUT,
    "Selection": SELECTION,
    "Repeat runs": REPEAT,
    "Workers": WORKERS,
    "Reporting": REPORTING,
    "Settings": SETTINGS,
}


def all_options(command: Command) -> Command:
    """Give a command every option, each in its help panel."""
    for panel, options in reversed(PANELS.items()):
        for option in reversed(options):
            attributes = {"cls": PanelOption, "panel": panel, "envvar": option.variable, **option.attributes}
            command = click.option(*option.names, **attributes)(command)
    return command
