"""The command line: options to Recipe, Settings and observers; the only place that exits. Does no work."""

import os
import sys


def main() -> None:
    """Run the command and leave with its exit code."""
    if not hasattr(os, "fork"):
        from forkresize.errors import ExitCode

        sys.stderr.write("forkresize needs fork, which this system lacks. On Windows, run it in WSL.\n")
        sys.exit(ExitCode.USAGE)
    if sys.argv[1:] == ["--version"]:
        # The parser takes longer to load than this takes to answer.
        from forkresize.cli.version import version_text

        sys.stdout.write(version_text() + "\n")
        sys.exit(0)
    from forkresize.cli.command import call

    sys.exit(call(sys.argv[1:]))
