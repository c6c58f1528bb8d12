"""Commands that are run in turn: wall and CPU time of whole processes, and their ratios round by round."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Command = Sequence[str | os.PathLike[str]]


class Usage(NamedTuple):
    """What one run of a command took, with all processes that it waited for.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of all processors, in user and system mode.
    """

    wall: float
    cpu: float


def measure(command: Command, *, env: Mapping[str, str] | None = None) -> Usage:
    """Run a command without its output, and return what it took.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{[str(each) for each in command]} failed with exit code {process.returncode}")
    return Usage(time.perf_counter() - started, used.ru_utime + used.ru_stime)


def compare(
    cases: Mapping[str, Command],
    rounds: int,
    *,
    env: Mapping[str, str] | None = None,
    before: Callable[[], object] = dict,
) -> None:
    """Run all commands in each round, and print medians. Ratios are those to the first one in the same round.

    Args:
        cases: commands by name; the first one is the reference.
        rounds: how many are counted; one more warms up.
        env: environment of the commands.
        before: called before each command.
    """
    used: dict[str, list[Usage]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, command in cases.items():
            before()
            usage = measure(command, env=env)
            if number:
                used[name].append(usage)
    reference = next(iter(used.values()))
    print(f"{'':<32} {'wall':>9} {'CPU':>9} {'wall, x':>8} {'CPU, x':>8}   medians of {rounds} rounds")
    for name, usages in used.items():
        wall, cpu = (statistics.median(usage[field] for usage in usages) for field in (0, 1))
        ratios = [
            statistics.median(usage[field] / first[field] for usage, first in zip(usages, reference, strict=True))
            for field in (0, 1)
        ]
        print(f"{name:<32} {wall:>7.3f} s {cpu:>7.3f} s {ratios[0]:>8.2f} {ratios[1]:>8.2f}")
