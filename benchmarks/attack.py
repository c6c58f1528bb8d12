"""Run code in confined workers that tries to get at files, processes, the kernel and the parent; list what succeeds.

python -m benchmarks.attack                     # all probes, all users, all versions of Landlock; root for two users
python -m benchmarks.attack --short             # all probes as the current user, with Landlock as it is and without
python -m benchmarks.attack --only ledger       # the probes that have the word in their names

A decoder of the installed command is replaced, in its workers only, as by a defect in it. Each probe must meet the
error that it names, or have no effect: sources, secrets, the victim, the parent and the other outputs must be as they
are without it, and the next run must repair what the worker's own picture lost. See ``attack_judge``.
"""

import argparse
import json
import os
import pwd
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.attack_driver import PROBES
from benchmarks.attack_judge import Setup, Verdict, judge
from benchmarks.attack_world import User
from forkresize.pool.sandbox import landlock

_LATEST = 7
"""The latest version of Landlock that is known here."""

_ORDINARY = "nobody"  # language: allow (the name of a user)


def users(*, short: bool) -> list[User]:
    """Return the users to run as."""
    current = User(pwd.getpwuid(os.getuid()).pw_name)
    if short or os.getuid():
        return [current]
    entry = pwd.getpwnam(_ORDINARY)
    return [current, User(_ORDINARY, entry.pw_uid, entry.pw_gid)]


def versions(*, short: bool) -> list[int | None]:
    """Return the versions of Landlock to run with: that of the kernel, all that it can pretend to be, and none."""
    available = landlock.abi_version()
    older = [] if short else range(1, min(available, _LATEST) + 1)
    return [*([None] if available else []), *older, 0]


def batches(setup: Setup, numbers: Sequence[int], size: int) -> Iterator[list[int]]:
    """Yield the probes that this version of Landlock has to refuse, those with the same budget together."""
    version = landlock.abi_version() if setup.landlock is None else setup.landlock
    due = [number for number in numbers if PROBES[number].since <= version]
    for memory in sorted({PROBES[number].memory for number in due}):
        group = [number for number in due if PROBES[number].memory == memory]
        yield from (group[start : start + size] for start in range(0, len(group), size))


def attack(setup: Setup, numbers: Sequence[int], size: int) -> Verdict:
    """Run probes for one user and one version of Landlock."""
    verdict = Verdict()
    for batch in batches(setup, numbers, size):
        verdict.add(judge(setup, batch))
    verdict.opened = len(numbers) - verdict.refused - len(verdict.escapes)
    return verdict


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="the current user, with Landlock as it is and without")
    parser.add_argument("--only", default="", metavar="WORD", help="probes with this word in their names")
    parser.add_argument("--user", help="only this user")
    parser.add_argument("--landlock", type=int, help="only this version of Landlock; 0: none")
    parser.add_argument("--batch", type=int, default=500, help="probes in one run [%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def main() -> int:
    """Run all probes in all setups; print a line for each setup, and the escapes."""
    arguments, figures = parse(), []
    numbers = [number for number, probe in enumerate(PROBES) if arguments.only in probe.name]
    print(f"{'user':10} {'Landlock':>8} {'probes':>7} {'refused':>8} {'open':>5} {'escapes':>8} {'seconds':>8}")
    for user in users(short=arguments.short):
        for version in versions(short=arguments.short) if arguments.landlock is None else [arguments.landlock]:
            if arguments.user not in {None, user.name}:
                continue
            began = time.monotonic()
            verdict = attack(Setup(user, version), numbers, arguments.batch)
            label = "as it is" if version is None else version or "none"
            counts = (len(numbers), verdict.refused, verdict.opened, len(verdict.escapes))
            seconds = round(time.monotonic() - began)
            print(
                f"{user.name:10} {label:>8} {counts[0]:7} {counts[1]:8} {counts[2]:5} {counts[3]:8} {seconds:8}",
                flush=True,
            )
            for name, found in verdict.escapes.items():
                print(f"    ! {name}: {'; '.join(found)[:600]}", flush=True)
            figures.append({"user": user.name, "landlock": label, "probes": counts[0], "refused": counts[1],
                            "open": counts[2], "escapes": verdict.escapes})  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(any(each["escapes"] for each in figures))


if __name__ == "__main__":
    sys.exit(main())
