"""One attacked run: the command with decoders that take over their workers, and what is wrong afterwards."""

import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.attack_driver import PROBES, SLOT, STARTED, slots
from benchmarks.attack_world import CALM, User, World, compare, end_leftovers, outputs

_EXITS = 0, 1, 3
_MOST_MEMORY = 300
"""Megabytes that the parent may use at most."""

_DEADLINE = 150
_OPTIONS = ("--width", "32")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal acts on, or that change the direction of text."""


@dataclass(frozen=True)
class Setup:
    """Where probes run: as which user, and with which version of Landlock; None for that of the kernel, 0 for none."""

    user: User
    landlock: int | None


@dataclass
class Verdict:
    """What came out of some probes.

    Attributes:
        refused: probes that were refused, or had no effect.
        opened: probes that this version of Landlock does not refuse, as documented; they are not run.
        escapes: what was reached, by the name of the probe.
    """

    refused: int = 0
    opened: int = 0
    escapes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: "Verdict") -> None:
        """Add another verdict."""
        self.refused += other.refused
        self.opened += other.opened
        for name, found in other.escapes.items():
            self.escapes.setdefault(name, []).extend(found)


class _Run:
    """The attacked command, watched from outside."""

    def __init__(self, world: World, arguments: Sequence[str]) -> None:
        self.memory = 0
        self._ended = threading.Event()
        self._root = str(world.root)
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            done = world.run(*arguments, timeout=_DEADLINE)
            self.code: int | None = done.returncode
            self.text = (done.stdout + done.stderr).decode(errors="replace")
        except subprocess.TimeoutExpired as error:
            self.code, self.text = None, (error.stderr or b"").decode(errors="replace")
        finally:
            self._ended.set()
            watcher.join()

    def processes(self) -> list[int]:
        """Return the processes that have the directory in their command line."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if b"attack_driver" in line and self._root.encode() in line:
                found.append(int(pid))
        return found

    def _watch(self) -> None:
        """Sample the peak memory of the command itself, whose process is the first."""
        first = None
        while not self._ended.wait(0.05):
            first = first or next(iter(sorted(self.processes())), None)
            try:
                status = Path(f"/proc/{first}/status").read_text()
            except OSError:
                continue
            if peak := re.search(r"VmHWM:\s+(\d+)", status):
                self.memory = max(self.memory, int(peak[1]) // 1024)


def judge(setup: Setup, numbers: Sequence[int]) -> Verdict:
    """Run probes together. If something is wrong that none of them reports, run them in halves to find the one."""
    wrong, met = _attack(setup, numbers)
    verdict = Verdict()
    alone = len(numbers) == 1
    for number in numbers:
        found = [*_reached(number, met), *(wrong if alone else ())]
        if found and (alone or number in met):
            verdict.escapes[PROBES[number].name] = found
    rest = [number for number in numbers if PROBES[number].name not in verdict.escapes]
    if not wrong:
        verdict.refused = sum(number in met for number in rest)
        rest = [number for number in rest if number not in met]
    elif len(rest) == len(numbers):
        verdict.add(judge(setup, rest[len(rest) // 2 :]))
        rest = rest[: len(rest) // 2]
    if rest:
        verdict.add(judge(setup, rest))
    return verdict


def _reached(number: int, met: dict[int, str]) -> Iterator[str]:
    probe = PROBES[number]
    text = met.get(number, "was not run")
    ended = text == STARTED
    allowed = probe.refusal.split()
    if text.startswith("reached") and "none" in allowed:
        return
    if ended and {"none", "ended"} & set(allowed):
        return
    if text not in allowed:
        yield "its worker ended" if ended else text


def _attack(setup: Setup, numbers: Sequence[int]) -> tuple[list[str], dict[int, str]]:
    """Return what is wrong after a run with these probes, and what each of them met."""
    with tempfile.TemporaryDirectory(prefix="forkresize-attack-") as name:
        os.chmod(name, 0o755)  # noqa: S103  Another user has to reach it.
        root = Path(name) / "world"
        root.mkdir()
        world = World(root, setup.user, numbers, SLOT * len(PROBES))
        try:
            wrong = list(_find_wrong(world, setup, numbers))
            return wrong, slots(root / "slots")
        finally:
            world.close()


def _find_wrong(world: World, setup: Setup, numbers: Sequence[int]) -> Iterator[str]:
    root = world.root
    command = ("-m", "forkresize", str(root / "in"), str(root / "out"), *_OPTIONS)
    first = world.run(*command)
    if first.returncode:
        raise RuntimeError(f"the first run failed: {first.stderr.decode()}")
    expected = outputs(root / "out")
    names = [f"attack-{number}.jpg" for number in numbers]
    for name in (*names, *(f"calm-{each}.jpg" for each in range(CALM // 2, CALM))):
        os.utime(root / "in" / name, (time.time(), time.time()))
    before = world.snapshot()
    (root / "setup.json").write_text(json.dumps(_describe(world, setup)))
    memory = PROBES[numbers[0]].memory
    # Most workers wait to be killed.
    limits = ("--workers", "2", "--memory", str(memory)) if memory else ("--workers", "4")
    options = ("--timeout", "3s", "--report", str(root / "report.jsonl"), *limits)
    driver = ("-m", "benchmarks.attack_driver", str(root / "setup.json"), *command[2:], *options)
    run = _Run(world, driver)
    yield from _check_run(run)
    yield from compare(before, world.snapshot())
    yield from _check_reports(root / "report.jsonl")
    if left := run.processes():
        yield f"{len(left)} processes are left"
        end_leftovers(left)
    own = {f"attack-{number}.jpg": PROBES[number].own for number in numbers}
    yield from _check_outputs(expected, outputs(root / "out"), own)
    yield from _check_repair(world, command, expected, own)


def _describe(world: World, setup: Setup) -> dict[str, object]:
    return {"root": str(world.root), "victim": world.victim, "landlock": setup.landlock}


def _check_run(run: _Run) -> Iterator[str]:
    if run.code not in _EXITS:
        yield f"exit code {run.code}: {run.text[-500:]}"
    if run.memory > _MOST_MEMORY:
        yield f"the parent took {run.memory} MB"
    if found := _CONTROL.search(run.text):
        yield f"the terminal gets {found[0]!r}"
    if "Traceback" in run.text:
        yield f"a traceback: {run.text[-1500:]}"


def _check_reports(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            json.loads(line)
        except ValueError:
            yield f"a line of the report is not JSON: {line[:100]!r}"


def _check_outputs(expected: dict[str, bytes], found: dict[str, bytes], own: dict[str, str]) -> Iterator[str]:
    for name in sorted(expected.keys() | found.keys()):
        fate = own.get(name, "right")
        if name not in expected:
            yield f"out/{name} was created"
        elif name not in found:
            # Its picture is re-created; the previous output stays if that fails.
            yield f"out/{name} is gone"
        elif found[name] != expected[name] and fate != "any":
            yield f"out/{name} is another file"


def _check_repair(
    world: World, command: Sequence[str], expected: dict[str, bytes], own: dict[str, str]
) -> Iterator[str]:
    """Check that a plain run afterwards creates the right outputs, and that the state directory is in order."""
    again = world.run(*command, "--retry-failed")
    kept = {name for name in expected if own.get(name, "right") != "any"}
    if again.returncode and not (again.returncode == 1 and "any" in own.values()):
        yield f"the next run ended with {again.returncode}: {again.stderr.decode()[-300:]}"
    found = outputs(world.root / "out")
    if wrong := [name for name in sorted(kept) if found.get(name) != expected[name]]:
        yield f"not right after the next run: {wrong[:3]}"
    if (left := sorted(os.listdir(world.root / "out/.forkresize"))) != ["ledger.db"]:
        yield f"the state directory has {left}"
