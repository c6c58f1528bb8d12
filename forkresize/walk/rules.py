"""Which paths ``--include`` and ``--exclude`` mean: Rule, and the first match that decides. Touches no file."""

import re
import warnings
from collections.abc import Callable, Sequence

from msgspec import Struct

from forkresize.errors import UsageError

_NEGATED_SET = re.compile(r"\[\^(?!/\])")
_NAMED_CLASS = re.compile(r"\[:.*:\]")
_DIRECTORY = r"(?=.*/\Z)"


class Rule(Struct, frozen=True):
    """One ``--include`` or ``--exclude``.

    The pattern is a glob as in a ``.gitignore``, case-sensitive. Without a slash before its end it is compared with the
    name at any depth, otherwise with the whole path below the destination; a slash at its end confines it to
    directories. ``*`` and ``?`` stop at a slash; ``**`` between slashes stands for any number of directories, and at
    the end for the directory and all that it holds (rsync's ``***`` likewise).

    Attributes:
        include: whether what it matches is taken or left out.
        pattern: the glob.

    Raises:
        UsageError: the pattern is no glob, or one that could match nothing.
    """

    include: bool
    pattern: str

    def __post_init__(self) -> None:
        self.compiled()

    def compiled(self) -> re.Pattern[str]:
        """Return what fully matches the paths that are meant; a directory's path has a slash at its end."""
        body = self.pattern.removesuffix("/")
        if not {"", ".", ".."}.isdisjoint(body.removeprefix("/").split("/")):
            raise self._refused("can match nothing: a part of it is empty, '.' or '..'; write 'name' or '/folder/name'")
        if body != body.rstrip():
            raise self._refused("ends in white space; to mean that, put it in brackets: 'name[ ]'")
        try:
            return _compile(_expression(body), only_directories=self.pattern.endswith("/"))
        except (ValueError, re.error):
            raise self._refused(
                "is no glob: a bracket is left open, a range runs backwards, a class such as [:alpha:] is named, "
                "or a backslash comes last; a backslash before a character means just that character"
            ) from None

    def _refused(self, problem: str) -> UsageError:
        return UsageError(f"--{'include' if self.include else 'exclude'}: {self.pattern!r} {problem}")


def first_match(rules: Sequence[Rule]) -> Callable[[str], bool | None]:
    """Return a function from a path to whether the first rule that matches it takes it; None where none matches.

    Its paths are relative, with ``/`` between the parts and, for a directory, at the end.
    """
    compiled = [(rule.compiled().fullmatch, rule.include) for rule in rules]

    def judge(path: str) -> bool | None:
        for matches, include in compiled:
            if matches(path):
                return include
        return None

    return judge


def _expression(body: str) -> str:
    """Return a regular expression for the glob, to be matched in full, or raise ValueError."""
    # Importing it takes as long as starting Python; a run without rules does without.
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    # At the start of a line of a .gitignore these mark a comment and a negation; here they are part of a name.
    escaped = "\\" + body if body.startswith(("#", "!")) else body
    glob = escaped[:-1] if escaped.endswith("/***") else escaped
    expression, _ = GitIgnoreSpecPattern.pattern_to_regex(glob)
    if expression is None or _NAMED_CLASS.search(glob):
        raise ValueError(glob)
    return _NEGATED_SET.sub("(?!/)[^", _to_both_ends(expression))


def _compile(expression: str, *, only_directories: bool) -> re.Pattern[str]:
    # Python foresees nested sets and so warns of "[[]", which is how many write a bracket.
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        return re.compile(_DIRECTORY + expression if only_directories else expression, re.DOTALL)


def _to_both_ends(expression: str) -> str:
    # pathspec searches, so it leaves out what may come before or after.
    if not expression.startswith("^"):
        return f".*{expression}.*"
    return f"{expression}.*" if expression.endswith("/") else expression
