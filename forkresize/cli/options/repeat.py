"""The options of repeated runs: what is done again, pruned, replaced or watched."""

import click

from forkresize.cli.options.model import Option
from forkresize.cli.types import DURATION, LEDGER, MAX_PRUNE, enum_choice
from forkresize.plan import Compare, IfExists

REPEAT = [
    Option(
        "--if-exists",
        type=enum_choice(IfExists),
        default=IfExists.UPDATE,
        help="What to do if an output exists. update: re-create it if the source, the recipe or the output changed; "
        "skip: keep it; overwrite: always re-create it; error: report a failure.",
    ),
    Option("--force", is_flag=True, help="Re-create everything; the same as --if-exists overwrite."),
    Option(
        "--compare",
        type=enum_choice(Compare),
        default=Compare.STAT,
        help="How to detect changed sources. stat: by size and modification time; checksum: by content, which reads "
        "every source.",
    ),
    Option("--retry-failed", is_flag=True, help="Retry images that failed in an earlier run, even if nothing changed."),
    Option(
        "--ledger",
        type=LEDGER,
        default="auto",
        metavar="URL|none",
        help="Where to record what was made, so that later runs re-create only what changed. auto: in DESTINATION/"
        ".forkresize; sqlite:///path or postgresql://host/database: there, for any number of destinations; none: "
        "nowhere, and only modification times are compared.",
    ),
    Option("--no-ledger", is_flag=True, help="The same as --ledger none."),
    Option(
        "--prune",
        is_flag=True,
        help="Delete outputs of earlier runs whose source no longer exists, or that the recipe no longer asks for. "
        "Outputs that were modified are kept.",
    ),
    Option(
        "--max-prune",
        type=MAX_PRUNE,
        default="10%",
        metavar="N|N%",
        help="Safety limit of --prune: if more outputs than this would be deleted, delete nothing and exit with 3. A "
        "percentage allows 10 outputs in any case, but never all of them.",
    ),
    Option(
        "--in-place",
        is_flag=True,
        help="Replace each source by its output. Takes one SOURCE and no DESTINATION. Files that were processed "
        "already are skipped. Requires --backup-dir or --no-backup; on a terminal, it asks.",
    ),
    Option(
        "--backup-dir",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Keep the sources that --in-place replaces in DIR, in the same tree.",
    ),
    Option(
        "--no-backup",
        is_flag=True,
        help="Let --in-place replace the sources for good, without a question. Nothing keeps the originals.",
    ),
    Option("--preserve-times", is_flag=True, help="Give each output the modification time of its source."),
    Option(
        "--lock-wait",
        type=DURATION,
        default="0",
        help="How long to wait for another run on DESTINATION before exiting with 75.",
    ),
    Option(
        "--watch",
        is_flag=True,
        help="Keep running and process new or changed files until Ctrl-C. Files are picked up when they stop growing.",
    ),
    Option("-n", "--dry-run", is_flag=True, help="Print what would be done to each file and why, and do nothing."),
]
