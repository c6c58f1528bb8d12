"""Include and exclude rules: globs on relative paths; the first match decides."""

import re
import warnings
from collections.abc import Callable, Sequence

from msgspec import Struct

from forkresize.errors import FieldError

_NEGATED_SET = r"\[\^(?!/\])"
_NAMED_CLASS = r"\[:.*:\]"
_DIRECTORY = r"(?=.*/\Z)"


class Rule(Struct, frozen=True):
    """One include or exclude pattern.

    The pattern is a case-sensitive glob as in a ``.gitignore``. Without a slash before its end it is compared with
    names at any depth, otherwise with the whole path below the destination. With a slash at its end it matches
    directories only. ``*`` and ``?`` stop at a slash; ``**`` between slashes matches any number of directories, and at
    the end the directory and all of its content (as rsync's ``***`` does).

    Attributes:
        include: whether matching paths are included or excluded.
        pattern: the glob.

    Raises:
        FieldError: the pattern is not a valid glob, or could not match anything; names ``include`` or ``exclude``.
    """

    include: bool
    pattern: str

    def __post_init__(self) -> None:
        self.compile()

    def compile(self) -> re.Pattern[str]:
        """Return an expression that fully matches the paths. A directory's path has a slash at its end."""
        body = self.pattern.removesuffix("/")
        if not {"", ".", ".."}.isdisjoint(body.removeprefix("/").split("/")):
            raise self._error("cannot match: a part of it is empty, '.' or '..'; use 'name' or '/directory/name'")
        if body != body.rstrip():
            raise self._error("ends in white space; if that is intended, put it in brackets: 'name[ ]'")
        try:
            return _compile(_expression(body), only_directories=self.pattern.endswith("/"))
        except (ValueError, re.error):
            raise self._error(
                "is not a valid glob: it has an unclosed bracket, a reversed range, a class such as [:alpha:], or a "
                "backslash at its end; to match a special character, put a backslash before it"
            ) from None

    def _error(self, problem: str) -> FieldError:
        return FieldError("include" if self.include else "exclude", f"{self.pattern!r} {problem}")


def first_match(rules: Sequence[Rule]) -> Callable[[str], bool | None]:
    """Return a function from a path to whether the first rule that matches includes it; None if no rule matches.

    Paths are relative, with ``/`` between the parts and, for a directory, at the end.
    """
    compiled = [(rule.compile().fullmatch, rule.include) for rule in rules]

    def match(path: str) -> bool | None:
        for matches, include in compiled:
            if matches(path):
                return include
        return None

    return match


def _expression(body: str) -> str:
    """Return a regular expression that matches what the glob matches, in full; raise ValueError if it is invalid."""
    # Importing it takes as long as starting Python, so only runs with rules do it.
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    # In a .gitignore these start a comment and a negation; here they are part of a name.
    escaped = "\\" + body if body.startswith(("#", "!")) else body
    glob = escaped[:-1] if escaped.endswith("/***") else escaped
    expression, _ = GitIgnoreSpecPattern.pattern_to_regex(glob)
    if expression is None or re.search(_NAMED_CLASS, glob):
        raise ValueError(glob)
    return re.sub(_NEGATED_SET, "(?!/)[^", _to_both_ends(expression))


def _compile(expression: str, *, only_directories: bool) -> re.Pattern[str]:
    # Python reserves nested sets and warns about "[[]", a common way to write a bracket.
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        return re.compile(_DIRECTORY + expression if only_directories else expression, re.DOTALL)


def _to_both_ends(expression: str) -> str:
    # pathspec searches, so its expression omits what may come before or after.
    if not expression.startswith("^"):
        return f".*{expression}.*"
    return f"{expression}.*" if expression.endswith("/") else expression
