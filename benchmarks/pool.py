"""Measure the overhead of the pool, compared to the standard library's ``multiprocessing.Pool``.

The contenders alternate within each round, so that other load on the machine affects all of them.
See ``--help`` for the options.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from forkresize.pool import Pool, PoolOptions

Work = Callable[[int], object]


def noop(number: int) -> int:
    """Do nothing."""
    return number


class Burn:
    """Work that takes a given amount of CPU time."""

    def __init__(self, milliseconds: float) -> None:
        self.nanoseconds = milliseconds * 1e6

    def __call__(self, _: int) -> None:
        """Use the CPU for that time."""
        end = time.process_time_ns() + self.nanoseconds
        while time.process_time_ns() < end:
            pass


def ours(work: Work, jobs: int, workers: int) -> tuple[float, float]:
    """Run tasks in our pool, warmed up; return the wall time and the parent's CPU time."""
    with Pool(work, options=PoolOptions(workers=workers)) as pool:
        expect(workers * 2, pool.imap_unordered(range(workers * 2)))
        return timed(lambda: expect(jobs, pool.imap_unordered(range(jobs))))


def stock(work: Work, jobs: int, workers: int) -> tuple[float, float]:
    """Run tasks in the standard pool, one per message; return the same times."""
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        expect(workers * 2, pool.imap_unordered(work, range(workers * 2)))
        return timed(lambda: expect(jobs, pool.imap_unordered(work, range(jobs), chunksize=1)))


def ideal(work: Work, jobs: int, workers: int) -> tuple[float, float]:
    """Run tasks in as many processes, each with a fixed share; return the same times."""
    return timed(lambda: divide(work, jobs, workers))


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return the wall time of a run and the CPU time of this process."""
    began, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - began, time.process_time() - cpu


def expect(jobs: int, results: Iterable[object]) -> None:
    """Take all results and check their number."""
    count = sum(1 for _ in results)
    if count != jobs:
        raise SystemExit(f"{count} results for {jobs} tasks")


def divide(work: Work, jobs: int, workers: int) -> None:
    """Run all tasks without a pool."""
    children = []
    for worker in range(workers):
        child = os.fork()
        if child == 0:
            for number in range(worker, jobs, workers):
                work(number)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def dispatch(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure no-op tasks per second, and the parent's CPU time for each."""
    jobs, workers = arguments.jobs, arguments.workers
    rounds = [(ours(noop, jobs, workers), stock(noop, jobs, workers)) for _ in range(arguments.rounds)]
    our_rate = statistics.median(jobs / mine[0] for mine, _ in rounds)
    stock_rate = statistics.median(jobs / theirs[0] for _, theirs in rounds)
    return {
        "jobs_per_second": round(our_rate),
        "stock_jobs_per_second": round(stock_rate),
        "ratio": round(statistics.median(theirs[0] / mine[0] for mine, theirs in rounds), 2),
        "parent_cpu_us": round(statistics.median(mine[1] for mine, _ in rounds) / jobs * 1e6, 1),
        "stock_parent_cpu_us": round(statistics.median(theirs[1] for _, theirs in rounds) / jobs * 1e6, 1),
    }


def efficiency(arguments: argparse.Namespace, milliseconds: float) -> dict[str, Any]:
    """Measure the fraction of CPU time that goes into tasks of this length."""
    work, workers = Burn(milliseconds), arguments.workers
    jobs = max(workers, int(arguments.seconds * 1000 / milliseconds) * workers)
    contenders = (ideal, ours, stock)
    rounds = [[run(work, jobs, workers)[0] for run in contenders] for _ in range(arguments.rounds)]
    return {
        "milliseconds": milliseconds,
        "jobs": jobs,
        "ours": round(statistics.median(best / mine for best, mine, _ in rounds), 3),
        "stock": round(statistics.median(best / theirs for best, _, theirs in rounds), 3),
    }


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=50_000, help="no-op tasks per round [%(default)s]")
    parser.add_argument("--seconds", type=float, default=2, help="duration of a round with CPU work [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--milliseconds", type=float, nargs="*", default=[0.2, 2, 20], help="CPU per task [0.2 2 20]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parse()
    figures: dict[str, Any] = {"dispatch": dispatch(arguments), "efficiency": []}
    for name, value in figures["dispatch"].items():
        print(f"{name:>24} {value:>10}", flush=True)
    print(f"{'CPU ms per task':>24} {'ours':>10} {'stock':>10}   (time without a pool / time)")
    for milliseconds in arguments.milliseconds:
        row = efficiency(arguments, milliseconds)
        figures["efficiency"].append(row)
        print(f"{milliseconds:>24} {row['ours']:>10.1%} {row['stock']:>10.1%}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
