"""Fuzz the parsers of this package, guided by line coverage; they may raise only documented errors.

python -m benchmarks.fuzz_parsers --seconds 60    # each parser; run it from the root of the repository

An input that reaches a new line, or a new pair of consecutive lines, is kept and mutated further. This uses Python's
own tracing instead of a fuzzing engine, which is slower.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from types import FrameType
from typing import Any

from benchmarks.mutations import mutant
from benchmarks.parsers import PARSERS, Parser

_PACKAGE = "/forkresize/"
_SLOW = 2.0
"""Seconds after which an input counts as a hang."""

_MOST_BYTES = 8192

_ALIKE = 40
"""Findings whose first characters are the same are reported once; the number of characters."""

Edge = tuple[int, int, int]


@dataclass
class Coverage:
    """The pairs of consecutive lines that were run in the package's own code.

    Attributes:
        met: all pairs so far.
    """

    met: set[Edge] = field(default_factory=set)
    _now: set[Edge] = field(default_factory=set)

    def news(self, call: Callable[[], object]) -> bool:
        """Run something, and return whether it reached new pairs of lines."""
        self._now.clear()
        sys.settrace(self._enter)
        try:
            call()
        finally:
            sys.settrace(None)
            fresh = self._now - self.met
            self.met |= fresh
        return bool(fresh)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if _PACKAGE not in code.co_filename:
            return None
        name, before, edges = id(code), [0], self._now

        def line(frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any]:
            edges.add((name, before[0], frame.f_lineno))
            before[0] = frame.f_lineno
            return line

        return line


@dataclass
class Run:
    """The results of fuzzing one parser.

    Attributes:
        inputs: number of inputs.
        kept: number of inputs that reached new lines.
        edges: number of pairs of lines that were reached.
        wrong: inputs with their undocumented errors.
    """

    inputs: int = 0
    kept: int = 0
    edges: int = 0
    wrong: list[tuple[bytes, str]] = field(default_factory=list)


def fuzz(parser: Parser, seconds: float, seed: int) -> Run:
    """Fuzz one parser for a number of seconds."""
    random, coverage, corpus, run = Random(seed), Coverage(), list(parser.seeds), Run()
    end, seen = time.monotonic() + seconds, set[str]()
    pending: list[bytes] = list(parser.seeds)
    while time.monotonic() < end:
        data = pending.pop() if pending else _mutate(random, corpus, parser.tokens)
        began = time.monotonic()
        fresh, wrong = _try_input(parser, data, coverage)
        if time.monotonic() - began > _SLOW:
            wrong = f"took {time.monotonic() - began:.1f} s"
        run.inputs += 1
        if fresh:
            corpus.append(data)
            run.kept += 1
        if wrong and wrong[:_ALIKE] not in seen:
            seen.add(wrong[:_ALIKE])
            run.wrong.append((data, wrong))
    run.edges = len(coverage.met)
    return run


def _try_input(parser: Parser, data: bytes, coverage: Coverage) -> tuple[bool, str]:
    wrong = ""

    def call() -> None:
        nonlocal wrong
        try:
            parser.parse(data)
        except parser.documented:
            pass
        except Exception as error:  # noqa: BLE001 -- any other is a finding.
            wrong = f"{type(error).__name__}: {error}"[:90]

    return coverage.news(call), wrong


def _mutate(random: Random, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    data = random.choice(corpus)
    for _ in range(random.choice((0, 1, 1, 3)) if tokens else 0):
        start = random.randrange(len(data) + 1)
        data = data[:start] + random.choice(tokens) + data[start + random.choice((0, 0, 1, 4)) :]
    if not tokens or random.random() < 1 / 2:
        data = mutant(data or b"\0", [each or b"\0" for each in corpus], random)
    return data[:_MOST_BYTES]


def main() -> int:
    """Fuzz all parsers or the named ones, and print the results."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("names", nargs="*", default=list(PARSERS), help="names of parsers [all]")
    arguments.add_argument("--seconds", type=float, default=60, help="seconds for each [%(default)s]")
    arguments.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    given, found = arguments.parse_args(), 0
    warnings.simplefilter("ignore")
    print(f"{'parser':>12} {'inputs':>9} {'kept':>6} {'edges':>6}  findings")
    for name in given.names:
        run = fuzz(PARSERS[name], given.seconds, given.seed)
        found += len(run.wrong)
        print(f"{name:>12} {run.inputs:>9} {run.kept:>6} {run.edges:>6}  {len(run.wrong)}", flush=True)
        for data, wrong in run.wrong[:8]:
            print(f"! {name}: {wrong}\n  {data[:100]!r}", flush=True)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
