"""Find words that this project avoids, in prose and in names: ``python .ci/language.py [FILE or FOLDER]...``.

Print the findings, and their number in each room: a package, a folder, or a file at the top.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

EXEMPT = re.compile(r"\.ci/language|tests/test_language|.*LICENSE|.*/assets/uPlot|examples/pictures")
MARK = "language: allow"
"""A line that holds this may use a word to avoid, for example one that is still accepted as input."""

PHRASES = re.compile(
    r"""\b(?:
    (?P<fine> there\s+(?:is|are|was|were)\s+(?:no|none))
    | told | (?<!\.)tells? | said | likewise | whoever | whatever | nobody | lest | for\s+ever | to\s+be\s+had
    | of\s+which | as\s+far\s+as | be\s+it | what\s+is\s+left | comes?\s+to | hangs?\s+on | in\s+force | meanwhile
    | takes?\s+note | by\s+what | (?:be(?:came|comes?)|came|said)\s+of | all\s+the\s+same | in\s+vain | foretold
    | (?:is|are|was|were)\s+(?:(?-i:none)|no\s+(?!more|less|worse|fewer|longer|\w+er\s+than)\w+)
    | mend(?:s|ed|ing)? | bur(?:y|ies|ied|ying) | condemned | stillborn | astray | crews?
    | (?:un)?ripe(?:n|ns|ned|ning|ness)? | settl(?:e|es|ed|ing|ement|er)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
PARTICIPLE = re.compile(r"_*(?:[a-z]+(?<!ne|se|fe|mb|pe|ce)ed|taken|kept|made|given|shown|seen|held|drawn|found)")


class Finding(NamedTuple):
    """A word to avoid, and where it is."""

    room: str
    place: str
    word: str


def find_phrases(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each phrase to avoid; names count as the words they consist of."""
    lines = text.splitlines()
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text)
    text = re.sub(r"^([ \t]*)#:?", r"\1", text, flags=re.MULTILINE)
    for match in PHRASES.finditer(text):
        line = text.count("\n", 0, match.start())
        if not match["fine"] and MARK not in lines[line]:
            yield line + 1, " ".join(match[0].split())


def find_participles(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each function named by a bare past participle, except predicates and properties."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and PARTICIPLE.fullmatch(node.name):
            facts = [ast.unparse(each) for each in (node.returns, *node.decorator_list) if each]
            if not any(fact == "bool" or "property" in fact for fact in facts):
                yield node.lineno, f"def {node.name}"


def room_of(path: str) -> str:
    """Return the package, folder or file that a path belongs to."""
    parts = Path(path).parts
    return "/".join(parts[: 2 if parts[0] in ("forkresize", "tests", "docs") else 1])


def find_in_file(path: str, text: str) -> Iterator[Finding]:
    """Yield all findings in a file."""
    found = list(find_phrases(text))
    if path.startswith("forkresize/") and path.endswith(".py"):
        found += find_participles(text)
    return (Finding(room_of(path), f"{path}:{line}", word) for line, word in sorted(found))


def find_all(root: Path) -> Iterator[Finding]:
    """Yield the findings in all text files that git knows, and in the subject of the newest commit."""
    subject = _git(root, "log", "-1", "--format=%s")
    yield from (Finding("commit", "HEAD", word) for _, word in find_phrases(subject))
    for path in _git(root, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if not EXEMPT.match(path) and (root / path).is_file():
            try:
                text = (root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            yield from find_in_file(path, text)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def main(names: list[str]) -> int:
    """Print what is found in all files or the named ones; return 1 if there are findings."""
    findings = list(find_all(Path(__file__).parent.parent))
    if names:
        starts = tuple(f"{name.rstrip('/')}{end}" for name in names for end in "/:")
        findings = [finding for finding in findings if finding.place.startswith(starts)]
    for finding in findings:
        print(f"{finding.place}: {finding.word}")
    for room, number in sorted(Counter(finding.room for finding in findings).items()):
        print(f"{number:6} {room}")
    print(f"{len(findings):6} findings of words to avoid (see CONTRIBUTING.md)")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
