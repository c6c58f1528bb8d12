"""Edit a tree at random between runs that are killed at random, and compare the last outputs with those of a fresh run.

python -m benchmarks.histories --histories 500 --seed 0

Each history is a sequence of edits of the sources, and of runs with random sizes, formats, names, shards, pruning and
checks, some of them killed. Then follows a plain run. Its outputs must be those of a run into an empty directory, byte
for byte, and another run must change nothing. Only these other files may be there:

- outputs of an earlier recipe of the history, for sources that still exist: only lost sources are pruned;
- outputs that a killed run wrote and could not record, if the source was lost before the next run.

In every fourth history, outputs replace their sources: each picture must be the output of what was put there, and the
directory of backups must hold everything that was ever put there and seen by a completed run.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias

from msgspec.structs import replace

from benchmarks.faulty_run import Ending, Kill, run_forked
from benchmarks.histories_tree import FORMATS, NAMES, WIDTHS, SourceTree, content, draw, traces
from forkresize import MaxPrune, PoolOptions, Recipe, Settings, Shard, run
from forkresize.job import Source
from forkresize.plan import Naming

_EXITS = {0, 1, 3}
_KILLED = -9
_CHOSEN = "prune", "if_exists", "compare", "preserve_times", "shard", "in_place"
_ALL = MaxPrune(100, percent=True)

Request: TypeAlias = tuple[Recipe, str | None]
"""A recipe and the template of the names; None for the default."""


@dataclass
class Result:
    """What a history found.

    Attributes:
        number: of the history.
        steps: its edits and runs.
        runs: how many runs there were.
        kills: how many runs or workers were killed.
        wrong: broken promises.
    """

    number: int
    steps: list[str] = field(default_factory=list)
    runs: int = 0
    kills: int = 0
    wrong: list[str] = field(default_factory=list)


class History:
    """One history of edits and runs in a directory of its own."""

    def __init__(self, root: Path, number: int, seed: int) -> None:
        self.random = Random(f"{seed}-{number}")
        self.result = Result(number)
        self.root = root
        self.in_place = number % 4 == 3  # noqa: PLR2004
        self.tree = SourceTree(root / "in", self.random, links=not self.in_place)
        self.destination = self.tree.root if self.in_place else root / "out"
        self._requests: list[Request] = []
        self._unrecorded: set[str] = set()

    def play(self) -> Result:
        """Do everything."""
        for _ in range(self.random.randrange(2, 6)):
            self._edit()
            self._run(self._choose_settings(), self._choose_request(), may_kill=True)
        self._edit()
        self._check_end()
        return self.result

    def _edit(self) -> None:
        for _ in range(self.random.randrange(4)):
            self.result.steps.append(self.tree.edit())

    def _choose_request(self) -> Request:
        if self.in_place:
            return Recipe.of(width=16), None
        size, kind = self.random.choice(WIDTHS), self.random.choice(FORMATS)
        name = self.random.choice(NAMES) if "width" in size else None
        return Recipe.of(**size, **kind), name

    def _choose_settings(self) -> Settings:
        if self.in_place:
            return self._settings(in_place=True, backup_dir=str(self.root / "backup"))
        choice = self.random.choice
        shard = choice((None, None, None, Shard(1, 2), Shard(2, 2)))
        return self._settings(
            prune=choice((True, False)) and shard is None,
            max_prune=_ALL,
            if_exists=choice(("update", "update", "skip", "overwrite")),
            compare=choice(("stat", "stat", "checksum")),
            preserve_times=choice((False, False, True)),
            shard=shard,
        )

    def _settings(self, **options: object) -> Settings:
        return Settings(pool=PoolOptions(workers=2), lock_wait=20.0, **options)  # type: ignore[arg-type]

    def _run(self, settings: Settings, request: Request, *, may_kill: bool = False) -> Ending:
        recipe, name = request
        kill = None
        if may_kill and self.random.random() < 1 / 2:
            event = self.random.choice((5, 20, 60, 150)) - self.random.randrange(5)
            kill = Kill(worker=self.random.random() < 1 / 3, event=event)
        ending = run_forked([self.tree.root], self.destination, recipe, replace(settings, name=name), kill)
        was_killed = kill is not None and ending.code == _KILLED
        self.result.runs += 1
        self.result.kills += was_killed or (kill is not None and kill.worker)
        chosen = [f"{each}={getattr(settings, each)}" for each in _CHOSEN if getattr(settings, each)]
        sizes = [f"{each.size.width}x{each.size.height} {each.format}" for each in recipe.renditions]
        self.result.steps.append(" ".join(["killed" * was_killed, "run", *sizes, f"name={name}", *chosen]).strip())
        if ending.code not in _EXITS and not was_killed:
            self.result.wrong.append(f"exit code {ending.code}: {ending.cause}")
        self._requests.append(request)
        if was_killed:
            self._unrecorded |= self._keys(request)
        if self.in_place:
            self._check_no_loss()
        return ending

    def _keys(self, request: Request) -> set[str]:
        """Return the keys of the outputs that a run makes of the sources as they are."""
        naming = Naming(*request)
        relative = (str(path.relative_to(self.tree.root)) for path in self.tree.files())
        return {output.key for path in relative for output in naming.outputs(Source(path, path))}

    def _check_end(self) -> None:
        request = self._choose_request()
        settings = self._choose_settings() if self.in_place else self._settings(prune=True, max_prune=_ALL)
        self._repeat(lambda: self._run(settings, request))
        fresh = self.root / "fresh"
        if self.in_place:
            for path, data in self.tree.originals.items():
                copy = fresh / path.relative_to(self.tree.root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data)
            run_forked([fresh], fresh, request[0], self._settings(in_place=True, no_backup=True))
        else:
            run_forked([self.tree.root], fresh, request[0], self._settings(name=request[1]))
        others = {key for each in self._requests for key in self._keys(each)} | self._unrecorded
        self.result.wrong += self._compare(content(fresh), content(self.destination), others)
        state = self.destination / ".forkresize"
        if state.exists() and (found := sorted(os.listdir(state))) != ["ledger.db"]:
            self.result.wrong.append(f"the state directory has {found}")

    def _check_no_loss(self) -> None:
        """Check that everything that was put into the tree is there, or in the directory of backups."""
        backup = self.root / "backup"
        kept = set(content(backup).values()) if backup.exists() else set()
        for path, data in self.tree.originals.items():
            if not path.exists() or (path.read_bytes() != data and data not in kept):
                self.result.wrong.append(f"{path.name} is lost")

    def _repeat(self, last_run: Callable[[], Ending]) -> None:
        """Do the last run twice; the second one must change nothing."""
        first = last_run()
        before = traces(self.destination)
        second = last_run()
        if second.code != first.code or second.summary.get("written") or second.summary.get("pruned"):
            self.result.wrong.append(f"the second run: {first} then {second}")
        if (after := traces(self.destination)) != before:
            changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
            self.result.wrong.append(f"the second run changed {changed[:5]}")

    def _compare(self, fresh: dict[str, bytes], found: dict[str, bytes], allowed: set[str]) -> Iterator[str]:
        for key in sorted(fresh.keys() | found.keys()):
            if key not in found:
                yield f"{key} is missing"
            elif key not in fresh and key not in allowed:
                yield f"{key} was made by no run"
            elif key in fresh and fresh[key] != found[key]:
                yield f"{key} is not what a fresh run makes"


def warm_up() -> None:
    """Load everything that a run loads, so that forked ones start at once."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "in.png").write_bytes(draw(1, ".png"))
        run([f"{name}/in.png"], f"{name}/out", Recipe.of(width=8, format="jpeg,webp"))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=500, help="[%(default)s]")
    parser.add_argument("--first", type=int, default=0, help="number of the first history [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    parser.add_argument("--steps", action="store_true", help="print the steps of histories with findings")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    return parser.parse_args()


def main() -> int:
    """Play all histories; print the findings and the totals."""
    arguments, began, results = parse(), time.monotonic(), []
    warm_up()
    for number in range(arguments.first, arguments.first + arguments.histories):
        with tempfile.TemporaryDirectory(prefix="forkresize-history-") as name:
            result = History(Path(name), number, arguments.seed).play()
        results.append(result)
        for finding in result.wrong:
            print(f"! history {number}: {finding}", flush=True)
        if result.wrong and arguments.steps:
            print("\n".join(f"    {step}" for step in result.steps), flush=True)
    wrong, runs, kills = (sum(map(count, results)) for count in (_is_wrong, lambda r: r.runs, lambda r: r.kills))
    print(f"{len(results)} histories, {runs} runs, {kills} kills, {wrong} histories with findings, "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    return int(wrong > 0)


def _is_wrong(result: Result) -> bool:
    return bool(result.wrong)


if __name__ == "__main__":
    sys.exit(main())
