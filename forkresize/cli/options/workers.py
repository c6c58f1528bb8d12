"""The options of the workers: how many, their limits, and the order of the work."""

from forkresize.cli.options.model import Option
from forkresize.cli.options.recipe import recipe_options
from forkresize.cli.types import DURATION, MAX_ERRORS, MEMORY, SHARD, WordChoice, enum_choice, whole
from forkresize.plan import Order

WORKERS = [
    Option(
        "-j",
        "--workers",
        aliases=("--jobs", "--threads"),
        type=whole("n", 0),
        help="Worker processes. 0: work in this process, for debugging, without time limit, memory limit or sandbox. "
        "[default: the CPUs this process may use]",
    ),
    Option("--timeout", type=DURATION, default="120s", help="Time limit per image; 0: none."),
    Option(
        "--retries",
        type=whole("n", 0),
        default=1,
        help="How often to retry an image whose worker died. Retries run alone, when no other image is waiting.",
    ),
    Option("--max-tasks", type=whole("n", 0), default=0, help="Restart a worker after this many images; 0: never."),
    Option(
        "--memory",
        type=MEMORY,
        help="Memory for all workers together; images wait until there is enough. [default: 60 % of what is available]",
    ),
    *recipe_options("Workers"),
    Option(
        "--sandbox",
        type=WordChoice(["auto", "on", "off"]),
        default="auto",
        help="Restrict workers to reading sources and writing DESTINATION. auto: use what the kernel supports; on: "
        "fail unless all layers are available; off: disable.",
    ),
    Option(
        "--max-errors",
        type=MAX_ERRORS,
        metavar="N|N%",
        help="Stop after this many failures, as a number or a percentage of images.",
    ),
    Option(
        "--max-duration",
        type=DURATION,
        default="0",
        help="Start no new images after this time, and exit with 10. The next run continues. 0: no limit.",
    ),
    Option(
        "--shard",
        type=SHARD,
        metavar="K/N",
        help="Process only shard K of N, by a hash of the paths, so that several runs can split one tree.",
    ),
    Option("--nice", type=whole("n", 0, 19), default=0, help="Niceness of the workers, 0 to 19; see nice(1)."),
    Option(
        "--order",
        type=enum_choice(Order),
        default=Order.SIZE,
        help="Processing order within a look-ahead window. size: largest first; path: by path; mtime: newest first.",
    ),
]
