"""Give the installed command damaged pictures of every format, and count the results.

python -m benchmarks.fuzz --mutants 20000    # run it from the root of the repository

Each mutant must have a record, the exit code must reflect failures, every output must be complete, and no other files
may remain. An internal error or a violation is a finding: it is printed, the mutant is kept with ``--keep``, and the
exit code is 1.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from benchmarks.mutations import mutant
from benchmarks.seeds import seeds
from forkresize.image.decode.pcx import PcxImageFile
from forkresize.outcome import Reason

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")

WAYS = (
    "--width 24 --format png",
    "--width 24",
    "--width 16 --height 16 --fit cover --format webp --effort 1 --metadata all",
    "--width 37 --if-larger keep-original --metadata copyright",
    "--long-edge 20 --format jpeg --on-truncated salvage --color keep",
    "--width 30,12 --format gif,png --on-truncated salvage --trim --rotate 7",
    "--width 24 --format tiff --metadata all --color keep",
    "--width 50 --enlarge --format avif --effort 1 --linear",
    "--lossless --metadata safe --on-truncated salvage",
    "--lossless --metadata all --effort 7",
)
"""Options of the runs, in turn."""

LIMITS = ("--timeout", "5s", "--max-pixels", "4", "--hidden", "--on-collision", "suffix")

_LOST = {Reason.CRASHED, Reason.TIMED_OUT, Reason.MEMORY_LIMIT, Reason.PROTOCOL_VIOLATION}
"""Reasons of pictures that cost their worker."""

_HANGS = 3600.0
"""Seconds after which the command itself counts as hanging."""


@dataclass
class Findings:
    """The results of all runs.

    Attributes:
        ends: number of records by status and reason.
        signals: number of workers killed by each signal.
        wrong: violations, each with the path of the mutant, or an empty path.
        crashed: mutants that crashed a worker or timed out, each with the error.
        outputs: number of outputs that were opened.
    """

    ends: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    crashed: list[tuple[str, str]] = field(default_factory=list)
    outputs: int = 0


def plant(folder: Path, numbers: range, seed: int, files: Mapping[str, bytes]) -> None:
    """Write mutants; each depends only on its number and the seed."""
    folder.mkdir()
    names, others = list(files), list(files.values())
    for number in numbers:
        name = names[number % len(names)]
        damaged = mutant(files[name], others, Random(f"{seed}/{number}"))
        (folder / f"{number:07}-{name}").write_bytes(damaged)


def run(work: Path, way: str) -> tuple[int, str]:
    """Run the command on ``in``; return its exit code and standard error."""
    arguments = [COMMAND, "in", "out", *way.split(), *LIMITS, "--report", "records.jsonl", "--quiet"]
    done = subprocess.run(arguments, cwd=work, capture_output=True, timeout=_HANGS, check=False)
    return done.returncode, done.stderr.decode(errors="replace")


def check(work: Path, code: int, stderr: str, findings: Findings) -> None:
    """Check the results of a run, and record violations."""
    records = [json.loads(line) for line in (work / "records.jsonl").read_text("utf-8", "surrogateescape").splitlines()]
    failed = any(record["status"] == "failed" for record in records)
    if code != int(failed):
        findings.wrong.append(("", f"exit code {code}: {stderr}"))
    reported = {record["source"] for record in records}
    for path in sorted((work / "in").iterdir()):
        if f"in/{path.name}" not in reported:
            findings.wrong.append((str(path), "it has no record"))
    for record in records:
        _note(work, record, findings)
    written = {record["destination"] for record in records if record["status"] == "written"}
    for path in _files(work / "out"):
        _open(work, path, findings)
        if os.path.relpath(path, work) not in written:
            findings.wrong.append((str(path), "it has no record of status written"))


def _note(work: Path, record: Mapping[str, Any], findings: Findings) -> None:
    reason, source = record["reason"], str(work / record["source"])
    findings.ends[f"{record['status']}: {reason}" if reason else record["status"]] += 1
    if reason == "internal error":
        findings.wrong.append((source, str(record["error"])))
    if reason in _LOST:
        findings.signals[record["signal"] or reason] += 1
        findings.crashed.append((source, f"{reason}: {record['error']}"))
    if record["status"] == "written" and not (work / record["destination"]).is_file():
        findings.wrong.append((source, "the output is missing"))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and ".forkresize" not in path.parts)


def _open(work: Path, path: Path, findings: Findings) -> None:
    findings.outputs += 1
    try:
        # Pillow takes all PCX for compressed.
        read = PcxImageFile if path.suffix == ".pcx" else Image.open
        with warnings.catch_warnings(), read(path) as image:
            warnings.simplefilter("error")
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                image.load()
    except Exception as error:  # noqa: BLE001 -- any is a finding.
        source = next(iter(sorted((work / "in").glob(f"{path.name[:7]}*"))), path)
        findings.wrong.append((str(source), f"{path.name} does not open: {type(error).__name__}: {error}"))


def fuzz(arguments: argparse.Namespace) -> Findings:
    """Do all runs."""
    findings, files = Findings(), seeds()
    chunk, known = arguments.chunk, 0
    for number, start in enumerate(range(arguments.first, arguments.first + arguments.mutants, chunk)):
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            end = min(start + chunk, arguments.first + arguments.mutants)
            plant(work / "in", range(start, end), arguments.seed, files)
            check(work, *run(work, WAYS[number % len(WAYS)]), findings)
            if arguments.keep:
                _keep(arguments.keep, [*findings.wrong[known:], *findings.crashed])
        for path, fault in findings.wrong[known:]:
            print(f"! {os.path.basename(path)} [{WAYS[number % len(WAYS)]}] {fault}", flush=True)
        known = len(findings.wrong)
    return findings


def _keep(folder: Path, found: Sequence[tuple[str, str]]) -> None:
    folder.mkdir(exist_ok=True)
    for path, _ in found:
        if os.path.isfile(path):
            shutil.copy(path, folder)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mutants", type=int, default=20_000, help="[%(default)s]")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant [%(default)s]")
    parser.add_argument("--chunk", type=int, default=1000, help="mutants per run [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy mutants with findings to DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def main() -> int:
    """Do all runs and print the results."""
    arguments, began = parse(), time.monotonic()
    findings = fuzz(arguments)
    for name, count in findings.ends.most_common():
        print(f"{name:40} {count:>7}")
    figures = {
        "mutants": arguments.mutants,
        "seconds": round(time.monotonic() - began, 1),
        "outputs": findings.outputs,
        "peak_rss": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "signals": dict(findings.signals),
        "ends": dict(findings.ends),
        "crashed": [[os.path.basename(path), error] for path, error in findings.crashed],
        "wrong": [[os.path.basename(path), fault] for path, fault in findings.wrong],
    }
    print({name: figure for name, figure in figures.items() if name not in {"ends", "crashed", "wrong"}})
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return int(bool(findings.wrong))


if __name__ == "__main__":
    sys.exit(main())
