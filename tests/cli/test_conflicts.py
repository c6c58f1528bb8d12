"""Options that contradict each other or need another one."""

import click
import pytest

from forkresize.cli.conflicts import check_conflicts
from tests.protocols import ParseArguments

OF_ONE_RUN = {
    "--dry-run": [],
    "--error-on-empty": [],
    "--files-from": ["-"],
    "--in-place": [],
    "--manifest": ["m.json"],
    "--max-duration": ["5m"],
    "--prune": [],
    "--srcset": ["s.html"],
}


@pytest.mark.parametrize("option", OF_ONE_RUN)
def test_watch_excludes_options_about_one_run(option: str, arguments: ParseArguments) -> None:
    flags = ["in", ".", option, *OF_ONE_RUN[option]]
    check_conflicts(arguments(*flags))
    with pytest.raises(click.UsageError, match=f"--watch cannot be combined with {option}"):
        check_conflicts(arguments(*flags, "--watch"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["in", "out", "--quiet", "--verbose"], "--quiet cannot be combined with --verbose"),
        (["in", "out", "--quiet", "--progress", "tqdm"], "--quiet cannot be combined with --progress tqdm"),
        (["in", "out", "--force", "--if-exists", "skip"], "--force cannot be combined with --if-exists skip"),
        (["a", "b", "out", "--files-from", "-"], "at most one SOURCE"),
        (["out"], "specify a SOURCE and a DESTINATION"),
        ([], "specify a SOURCE and a DESTINATION"),
        (["in", "out", "--report", "r.txt"], "must end in"),
        (["in", ".", "--manifest", "x", "--srcset", "x"], "--srcset and --manifest name the same file"),
    ],
)
def test_contradictions_are_refused(flags: list[str], message: str, arguments: ParseArguments) -> None:
    with pytest.raises(click.UsageError, match=message):
        check_conflicts(arguments(*flags))


@pytest.mark.parametrize(
    "flags",
    [
        ["in", "out", "--quiet", "--progress", "none"],
        ["in", "out", "--force", "--if-exists", "overwrite"],
        ["out", "--files-from", "-"],
        ["in", "out", "--files-from", "-", "--null"],
    ],
)
def test_compatible_options_pass(flags: list[str], arguments: ParseArguments) -> None:
    check_conflicts(arguments(*flags))
