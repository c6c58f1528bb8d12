"""Kill random workers while tasks run, and check that each task has one result and the right ones are blamed.

See ``--help`` for the options.
"""

import argparse
import json
import mmap
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from forkresize.pool import Activity, Completed, Pool, PoolOptions


@dataclass(frozen=True)
class Outcome:
    """The figures of one run.

    Attributes:
        retries: how often a task whose worker died was retried.
        kills: how many workers were killed.
        results: how many results there were.
        missing: tasks without a result.
        duplicated: tasks with more than one.
        blamed: tasks that were lost.
        victims: tasks whose work started and did not end.
        at_the_edge: blamed tasks whose worker was killed while it received them or sent the result.
        innocent: blamed tasks for which no worker was killed, or one that another task is blamed for.
        seconds: wall time of the run.
    """

    retries: int
    kills: int
    results: int
    missing: int
    duplicated: int
    blamed: int
    victims: int
    at_the_edge: int
    innocent: int
    seconds: float


class Journal:
    """The progress of each task, in shared memory that survives the workers."""

    UNTOUCHED, STARTED, ENDED = range(3)

    def __init__(self, jobs: int) -> None:
        self._marks = mmap.mmap(-1, jobs)

    def work(self, seconds: float) -> Callable[[int], None]:
        """Return work that records its start and its end."""

        def sleep(job: int) -> None:
            self._marks[job] = self.STARTED
            time.sleep(seconds)
            self._marks[job] = self.ENDED

        return sleep

    def states(self) -> bytes:
        """Return UNTOUCHED, STARTED or ENDED for each task."""
        return self._marks[:]


class Killer:
    """Kills a random worker at intervals; called at the pool's ticks."""

    def __init__(self, every: float, seed: int) -> None:
        self.killed: set[int] = set()
        self._every = every
        self._random = random.Random(seed)
        self._next = time.monotonic() + every

    def __call__(self, activities: Sequence[Activity[int]]) -> None:
        """Kill a worker if it is time to."""
        now = time.monotonic()
        if activities and now >= self._next:
            victim = self._random.choice(activities).worker
            os.kill(victim, signal.SIGKILL)
            self.killed.add(victim)
            self._next = now + self._every


def run(arguments: argparse.Namespace, retries: int, seed: int) -> Outcome:
    """Do one run."""
    journal, killer = Journal(arguments.jobs), Killer(arguments.every, seed)
    options = PoolOptions(workers=arguments.workers, retries=retries, tick=arguments.every / 20)
    began = time.monotonic()
    with Pool(journal.work(arguments.seconds), options=options, on_tick=killer) as pool:
        results = list(pool.imap_unordered(range(arguments.jobs)))
    seconds = time.monotonic() - began
    counts = Counter(result.item for result in results)
    states = journal.states()
    blamed = [result for result in results if not isinstance(result, Completed)]
    return Outcome(
        retries=retries,
        kills=len(killer.killed),
        results=len(results),
        missing=arguments.jobs - len(counts),
        duplicated=sum(count > 1 for count in counts.values()),
        blamed=len(blamed),
        victims=states.count(Journal.STARTED),
        at_the_edge=sum(states[result.item] != Journal.STARTED for result in blamed),
        innocent=len(blamed) - len({result.worker for result in blamed} & killer.killed),
        seconds=round(seconds, 2),
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=2000, help="tasks per run [%(default)s]")
    parser.add_argument("--seconds", type=float, default=0.01, help="duration of a task [%(default)s]")
    parser.add_argument("--every", type=float, default=0.05, help="seconds between two kills [%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--retries", type=int, nargs="+", default=[0, 2], help="[0 2]")
    parser.add_argument("--runs", type=int, default=1, help="runs for each number of retries [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    return parser.parse_args()


def main() -> None:
    """Do all runs and print a line for each."""
    arguments = parse()
    outcomes = []
    print(" ".join(f"{name:>11}" for name in Outcome.__dataclass_fields__))
    for retries in arguments.retries:
        for seed in range(arguments.runs):
            outcome = run(arguments, retries, seed)
            outcomes.append(asdict(outcome))
            print(" ".join(f"{value:>11}" for value in asdict(outcome).values()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(outcomes, indent=2) + "\n")


if __name__ == "__main__":
    main()
