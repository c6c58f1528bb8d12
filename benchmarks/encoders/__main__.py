"""Compares forkresize with independent decoders on pictures by independent encoders.

python -m benchmarks.encoders [--only PROGRAM] [--keep FOLDER]
"""

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.encoders.case import Case
from benchmarks.encoders.cases import CASES
from benchmarks.encoders.compare import Verdict, judge, run
from benchmarks.encoders.known import reason_for
from benchmarks.encoders.pictures import draw
from forkresize.image.decode.plugins import load_plugins


def make(case: Case, inputs: dict[str, str], folder: Path) -> Path | None:
    """Return the file that a case's encoder writes; None if it is not installed, or cannot write it."""
    out = folder / case.file
    words = [word.format(**inputs, out=out) for word in case.command.split()]
    stdout = None
    if words[-2] == ">":
        words, stdout = words[:-2], out
    if not run(words, stdout) or not out.exists() or not out.stat().st_size:
        return None
    return out


def main() -> int:
    """Print what was compared, what is known to differ and why, and what is not explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--keep", type=Path, help="keep the files in this folder")
    parser.add_argument("--jobs", type=int, default=2, help="programs that run at a time")
    options = parser.parse_args()
    load_plugins()
    counts: dict[str, Counter[str]] = {}
    explained, open_cases = list[str](), list[str]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        inputs = draw(folder / "inputs")
        cases = [case for case in CASES if options.only in case.name]

        def judge_case(case: Case) -> Verdict:
            path = make(case, inputs, folder)
            return judge(path, case.family) if path else Verdict("not made")

        with ThreadPoolExecutor(options.jobs) as threads:
            verdicts = list(threads.map(judge_case, cases))
    for case, verdict in zip(cases, verdicts, strict=True):
        counts.setdefault(case.program, Counter())[verdict.word] += 1
        if verdict.word in {"refused", "differs"}:
            reason = reason_for(case, verdict)
            line = f"{case.name}: {verdict.word}: {verdict.detail}"
            (explained if reason else open_cases).append(f"{line}\n    {reason}" if reason else line)
    _print(counts, explained, open_cases)
    return 1 if open_cases else 0


def _print(counts: dict[str, Counter[str]], explained: list[str], open_cases: list[str]) -> None:
    words = ("equal", "alone", "unread", "differs", "refused", "not made")
    print(f"{'program':16}" + "".join(f"{word:>10}" for word in words))
    for program, counter in counts.items():
        print(f"{program:16}" + "".join(f"{counter[word]:10}" for word in words))
    total = sum(counts.values(), Counter[str]())
    print(f"{'all':16}" + "".join(f"{total[word]:10}" for word in words))
    for title, lines in (("Known differences", explained), ("Not explained", open_cases)):
        if lines:
            print(f"\n{title}:", *lines, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
