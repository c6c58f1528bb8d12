"""Fail system calls of runs, one kind at a time, and check that no source is lost and that the next run repairs all.

python -m benchmarks.faults --faults 1000 --seed 0

A library (``faults.c``, compiled when this starts) is loaded before the C library. It fails the n-th open, write,
rename and so on, once or from then on, in the process of the run or in its workers. After each fault: every source is
there, or its backup; every output is complete, of this run or of the one before; the exit code is 0, 1 or 3, and 0 only
if all outputs are right; the next run, without faults, ends with 0 and the right outputs.
"""

import argparse
import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faulty_run import Ending, run_forked
from benchmarks.histories import warm_up
from benchmarks.histories_tree import content, draw
from forkresize import MaxPrune, PoolOptions, Recipe, Settings

_LIBRARY = "FORKRESIZE_FAULTS"
"""The environment variable that names the compiled library."""

SHORT = -1

_ERRORS = {
    "open": "EACCES EMFILE ENFILE ENOSPC EIO EINTR ENOMEM EDQUOT",
    "read": "EIO EINTR",
    "write": "ENOSPC EIO EDQUOT EINTR SHORT",
    "rename": "EIO ENOSPC EACCES EXDEV EDQUOT",
    "fsync": "EIO ENOSPC EDQUOT",
    "stat": "EIO EACCES ENOMEM",
    "unlink": "EIO EACCES EROFS",
    "mkdir": "ENOSPC EIO EACCES EDQUOT",
    "mmap": "ENOMEM",
    "fork": "EAGAIN ENOMEM",
    "utime": "EIO EACCES",
    "link": "EIO EPERM EMLINK ENOSPC",
    "list": "EIO EACCES EMFILE ENOMEM",
    "truncate": "EIO ENOSPC",
    "lock": "EIO ENOLCK EINTR",
    "socket": "EMFILE ENFILE ENOMEM",
}
"""Kinds of calls, in the order of their numbers in faults.c, and the errors to fail them with."""

KINDS = tuple(_ERRORS)
_ALWAYS = 1 << 20
_EXITS = 0, 1, 3


@dataclass(frozen=True)
class Fault:
    """Which call fails, and how.

    Attributes:
        kind: of the call.
        error: the name of its error; SHORT if it writes only a part.
        nth: number of the first call that fails.
        worker: whether it is a worker's.
        always: whether all later calls of this kind fail as well.
    """

    kind: str
    error: str
    nth: int
    worker: bool
    always: bool


class Injector:
    """The compiled library, which is loaded in this process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ[_LIBRARY])
        self._library.faults_counts.restype = ctypes.POINTER(ctypes.c_int)
        self._counts = self._library.faults_counts()

    def arm(self, root: Path, fault: Fault | None) -> None:
        """Have a fault happen in this process or in those that it forks; without one, only count the calls."""
        for place in range(1 + 2 * len(KINDS)):
            self._counts[place] = 0
        if fault is None:
            self._library.faults_arm(os.fsencode(root), -1, 0, 0, 0, 0)
            return
        number = SHORT if fault.error == "SHORT" else getattr(errno, fault.error)
        times = _ALWAYS if fault.always else 1
        self._library.faults_arm(
            os.fsencode(root), KINDS.index(fault.kind), fault.nth, number, int(fault.worker), times
        )

    @property
    def hits(self) -> int:
        """How many calls failed since the last arm()."""
        return int(self._counts[0])

    def count(self, kind: str, *, worker: bool) -> int:
        """Return how many calls of a kind there were since the last arm()."""
        return int(self._counts[1 + worker * len(KINDS) + KINDS.index(kind)])


class Scenario:
    """A run that faults happen in: what is there before, and what it makes.

    Attributes:
        name: for the report.
        work: the directory of sources and outputs, made anew for each fault.
        previous: outputs before the run.
        expected: outputs after it.
    """

    def __init__(self, root: Path, name: str, injector: Injector) -> None:
        self.name, self.work, self._template, self._injector = name, root / "work", root / "template", injector
        self.in_place = name == "in place"
        self.work.mkdir()
        self._plant()
        self.previous = self._outputs()
        self.sources = content(self.work / "in")
        self.work.rename(self._template)
        self.reset()
        first = self.run(arm=True)
        if first.code:
            raise RuntimeError(f"{name}: {first}")
        self.expected = self._outputs()
        self.calls = {
            (kind, worker): count
            for kind in KINDS
            for worker in (False, True)
            if (count := injector.count(kind, worker=worker))
        }

    def reset(self) -> None:
        """Make the directory as it is before the run."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self._template, self.work, symlinks=True)

    def run(self, fault: Fault | None = None, *, arm: bool = False) -> Ending:
        """Do the run, with a fault or only counting the calls."""
        place = self.work / ("in" if self.in_place else "out")
        return run_forked(
            [self.work / "in"],
            place,
            self._recipe("20"),
            self._settings(),
            (lambda: self._injector.arm(self.work, fault)) if arm or fault else None,
        )

    def _recipe(self, width: str) -> Recipe:
        return Recipe.of(width=f"8,{width}" if self.name == "two sizes" else width)

    def _settings(self) -> Settings:
        options: dict[str, Any] = {"pool": PoolOptions(workers=2), "lock_wait": 20.0}
        if self.in_place:
            return Settings(in_place=True, backup_dir=str(self.work / "backup"), **options)
        if self.name == "again":
            options |= {"prune": True, "max_prune": MaxPrune(100, percent=True), "preserve_times": True}
        return Settings(**options)

    def _plant(self) -> None:
        for number, name in enumerate(("a.jpg", "b.png", "c.webp", "d/e.jpg", "d/f/g.png", "d/h.gif")):
            path = self.work / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(draw(number + 1, path.suffix))
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        if self.name == "again":
            run_forked([self.work / "in"], self.work / "out", self._recipe("16"), self._settings())
            (self.work / "in/d/f/g.png").unlink()

    def _outputs(self) -> dict[str, bytes]:
        place = self.work / ("in" if self.in_place else "out")
        return content(place) if place.exists() else {}

    def find_wrong(self, ending: Ending) -> Iterator[str]:
        """Yield what is wrong after a fault."""
        if ending.code not in _EXITS:
            yield f"exit code {ending.code}: {ending.cause}"
        found = self._outputs()
        for key in found.keys() | self.expected.keys():
            if key in found and found[key] not in (self.previous.get(key), self.expected.get(key)):
                yield f"{key} is not a complete output"
            if ending.code == 0 and found.get(key) != self.expected.get(key):
                yield f"exit code 0, but {key} is not right"
        yield from self._find_lost()

    def _find_lost(self) -> Iterator[str]:
        now = content(self.work / "in")
        backup = self.work / "backup"
        kept = set(content(backup).values()) if backup.exists() else set()
        for key, data in self.sources.items():
            if now.get(key) != data and not (self.in_place and now.get(key) == self.expected[key] and data in kept):
                yield f"the source {key} is lost"

    def find_unrepaired(self) -> Iterator[str]:
        """Do the run again without faults, and yield what is wrong after it."""
        again = self.run()
        if again.code:
            yield f"the next run ended with {again.code}: {again.summary} {again.cause}"
        found = self._outputs()
        if wrong := [
            key for key in sorted(found.keys() | self.expected.keys()) if found.get(key) != self.expected.get(key)
        ]:
            yield f"after the next run, {wrong} are not right"
        state = self.work / ("in" if self.in_place else "out") / ".forkresize"
        if state.exists() and (names := sorted(os.listdir(state))) != ["ledger.db"]:
            yield f"after the next run, the state directory has {names}"
        yield from self._find_lost()


SCENARIOS = "first", "two sizes", "again", "in place"


def choose(scenario: Scenario, random: Random) -> Fault:
    """Return a fault that can happen in a scenario."""
    kinds = [each for each in scenario.calls if each != ("mmap", False)]
    kind, worker = random.choice(sorted(kinds))
    error = random.choice(_ERRORS[kind].split())
    nth = random.randrange(scenario.calls[kind, worker]) + 1
    # Calls are counted in each worker, and there are two.
    always = random.random() < 1 / 4 and error != "EINTR"  # Such a call is repeated until it succeeds.
    return Fault(kind, error, 1 + nth // 2 if worker else nth, worker, always)


def inject(arguments: argparse.Namespace) -> dict[str, Any]:
    """Cause all faults; return the figures."""
    random, injector, faults, findings = Random(arguments.seed), Injector(), Counter[str](), []
    warm_up()
    with tempfile.TemporaryDirectory(prefix="forkresize-faults-") as name:
        roots = {each: Path(name) / each.replace(" ", "-") for each in SCENARIOS}
        for root in roots.values():
            root.mkdir()
        scenarios = [Scenario(root, each, injector) for each, root in roots.items()]
        while sum(faults.values()) < arguments.faults:
            scenario = random.choice(scenarios)
            fault = choose(scenario, random)
            scenario.reset()
            ending = scenario.run(fault)
            if not injector.hits:
                continue
            faults[fault.kind] += 1
            if wrong := [*scenario.find_wrong(ending), *scenario.find_unrepaired()]:
                findings.append({"scenario": scenario.name, "fault": asdict(fault), "wrong": wrong})
                print(f"! {scenario.name}: {fault}: {'; '.join(wrong)[: arguments.width]}", flush=True)
    return {"faults": dict(faults), "findings": findings}


def preload(arguments: Sequence[str]) -> int:
    """Compile the library, and start this program again with it.

    Raises:
        CalledProcessError: it cannot be compiled.
    """
    with tempfile.TemporaryDirectory(prefix="forkresize-faults-") as name:
        library = f"{name}/faults.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)  # noqa: S607
        environment = {**os.environ, "LD_PRELOAD": library, _LIBRARY: library}
        command = [sys.executable, "-m", "benchmarks.faults", *arguments]
        return subprocess.run(command, env=environment, check=False).returncode


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000, help="[%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    parser.add_argument("--width", type=int, default=400, help="characters of each finding [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def main() -> int:
    """Cause all faults; print the findings and how many of each kind there were."""
    arguments, began = parse(), time.monotonic()
    if sys.platform != "linux" or shutil.which("cc") is None:
        print("skipped: needs Linux and a C compiler, cc")
        return 0
    if _LIBRARY not in os.environ:
        return preload(sys.argv[1:])
    figures = inject(arguments)
    total, kinds = sum(figures["faults"].values()), sorted(figures["faults"].items())
    print(", ".join(f"{count} {kind}" for kind, count in kinds))
    print(f"{total} faults, {len(figures['findings'])} with findings, {time.monotonic() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(bool(figures["findings"]))


if __name__ == "__main__":
    sys.exit(main())
