"""Which pictures a request includes and excludes: globs, and those that exclude come first."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from forkresize.job import Source
from forkresize.walk import Rule
from forkresize.walk.rules import first_match


def select_rules(include: Sequence[str], exclude: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of the walk.

    A walk with rules of both kinds takes what none of them matches, so that it has those that exclude, and
    ``make_filter`` does the rest.

    Args:
        include: globs of pictures and directories; none includes all.
        exclude: globs of pictures and directories.

    Raises:
        FieldError: a pattern is not a glob; names ``include`` or ``exclude``.
    """
    rules = tuple(Rule(False, each) for each in exclude)
    included = tuple(Rule(True, each) for each in include)
    return rules or included


def make_filter(include: Sequence[str]) -> Callable[[Source], bool]:
    """Return a function that returns whether a source is included: it, or a directory that it is in, matches a glob."""
    matches = first_match([Rule(True, each) for each in include])

    def accepts(source: Source) -> bool:
        *folders, name = source.relative.split("/")
        above = list(accumulate(f"{folder}/" for folder in folders))
        return any(map(matches, (*above, "".join(above[-1:]) + name)))

    return accepts
