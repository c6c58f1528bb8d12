"""The options of progress, summaries, reports and logs."""

import click

from forkresize.cli.options.model import Option
from forkresize.cli.types import Level, WordChoice

_FILE = click.Path(dir_okay=False)

REPORTING = [
    Option(
        "--progress",
        type=WordChoice(["auto", "rich", "tqdm", "none"]),
        default="auto",
        help="Progress view. auto: rich on a terminal, tqdm on a dumb terminal, none elsewhere; rich: live view; tqdm: "
        "one line; none: nothing.",
    ),
    Option("--quiet", is_flag=True, help="Only print errors that stop the run."),
    Option(
        "-v",
        "--verbose",
        count=True,
        type=Level(),
        default=0,
        help="Print a line for each output, and the totals; with -vv, unchanged outputs have lines, too.",
    ),
    Option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object to standard output."),
    Option(
        "--report",
        multiple=True,
        type=_FILE,
        metavar="FILE.jsonl|.csv|.html",
        help="Write a record for each output (.jsonl, .csv), or a page with charts and thumbnails (.html). {date} and "
        "{time} stand for the start of the run. May be repeated.",
    ),
    Option("--log-file", type=_FILE, metavar="FILE", help="Append a log of the run to FILE."),
    Option(
        "--log-level",
        type=WordChoice(["debug", "info", "warning", "error"]),
        default="info",
        help="Minimum level to log. debug: every output; info: the run and skipped files; warning: images with "
        "warnings; error: failures.",
    ),
    Option(
        "--log-format",
        type=WordChoice(["text", "json"]),
        default="text",
        help="Format of log lines. text: for people; json: one object per line.",
    ),
    Option(
        "--metrics-file",
        type=_FILE,
        metavar="FILE.prom",
        help="Keep metrics of all runs in a file for the node_exporter of Prometheus.",
    ),
    Option(
        "--warnings",
        type=WordChoice(["auto", "show", "fail"]),
        default="auto",
        help="What to do if an output lost a part of its image, such as 16 bits per channel, HDR, colors, frames or "
        "content credentials. auto: count these warnings in the summary; show: print the summary if there are any, "
        "even without a terminal; fail: the same, and exit with 12.",
    ),
    Option("--strict", is_flag=True, help="Exit with 1 if a source was skipped, unless its output exists."),
    Option("--error-on-empty", is_flag=True, help="Exit with 9 if no images were found."),
]
