"""Kill random workers while jobs run, and count what each run answers: is every job answered once, are victims exact?

Run it with ``--help`` for what can be set.
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
    """What one run answered.

    Attributes:
        retries: how often a victim was tried again.
        kills: how many workers were killed.
        answered: how many answers came.
        missing: jobs without an answer.
        duplicated: jobs with more than one.
        blamed: jobs that were answered as lost.
        victims: jobs whose work was started and did not end.
        at_the_edge: blamed jobs whose worker was killed while it took them in or sent the answer.
        innocent: blamed jobs for which no worker was killed, or one that is blamed on another.
        seconds: wall time of the run.
    """

    retries: int
    kills: int
    answered: int
    missing: int
    duplicated: int
    blamed: int
    victims: int
    at_the_edge: int
    innocent: int
    seconds: float


class Journal:
    """How far each job's work got, in memory that all workers share and that survives them."""

    UNTOUCHED, STARTED, ENDED = range(3)

    def __init__(self, jobs: int) -> None:
        self._marks = mmap.mmap(-1, jobs)

    def work(self, seconds: float) -> Callable[[int], None]:
        """Return work that notes when it starts and when it ends."""

        def sleep(job: int) -> None:
            self._marks[job] = self.STARTED
            time.sleep(seconds)
            self._marks[job] = self.ENDED

        return sleep

    def states(self) -> bytes:
        """Return one of UNTOUCHED, STARTED and ENDED for each job."""
        return self._marks[:]


class Killer:
    """Kills a random worker now and then; called by the pool's ticks."""

    def __init__(self, every: float, seed: int) -> None:
        self.killed: set[int] = set()
        self._every = every
        self._random = random.Random(seed)
        self._next = time.monotonic() + every

    def __call__(self, activities: Sequence[Activity[int]]) -> None:
        """Kill one, if it is time to."""
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
        answers = list(pool.imap_unordered(range(arguments.jobs)))
    seconds = time.monotonic() - began
    counts = Counter(answer.item for answer in answers)
    states = journal.states()
    blamed = [answer for answer in answers if not isinstance(answer, Completed)]
    return Outcome(
        retries=retries,
        kills=len(killer.killed),
        answered=len(answers),
        missing=arguments.jobs - len(counts),
        duplicated=sum(count > 1 for count in counts.values()),
        blamed=len(blamed),
        victims=states.count(Journal.STARTED),
        at_the_edge=sum(states[answer.item] != Journal.STARTED for answer in blamed),
        innocent=len(blamed) - len({answer.worker for answer in blamed} & killer.killed),
        seconds=round(seconds, 2),
    )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=2000, help="jobs a run [%(default)s]")
    parser.add_argument("--seconds", type=float, default=0.01, help="what a job takes [%(default)s]")
    parser.add_argument("--every", type=float, default=0.05, help="seconds between two kills [%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--retries", type=int, nargs="+", default=[0, 2], help="[0 2]")
    parser.add_argument("--runs", type=int, default=1, help="runs for each number of retries [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes there too")
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
