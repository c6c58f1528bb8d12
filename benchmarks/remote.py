"""Measure runs with object stores: against local disks, and the memory for many keys.

    python -m benchmarks.remote photographs --copies 12 --rounds 5
    python -m benchmarks.remote memory --keys 1000 1000000

The first one starts ``ministack``, an S3 server in Python that shares the machine; its CPU time is shown apart. The
second one serves listings from a stub of the store protocol.
"""

import argparse
import itertools
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import boto3

from benchmarks.cluster_world import draw_patches
from benchmarks.photographs import draw

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")
PHOTOGRAPHS = ("--width", "800", "--format", "webp", "--force", "--no-ledger")
TICKS = os.sysconf("SC_CLK_TCK")
START_DEADLINE = 300.0
"""Seconds within which the server answers; it may have to load 200,000 objects."""

CHILD = """
import resource, sys
from benchmarks.remote_stub import run_unchanged
counts = run_unchanged(int(sys.argv[1]))
print(counts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Server(NamedTuple):
    """An S3 server: its endpoint, and the id of its first process, which leads a session."""

    endpoint: str
    pid: int

    def cpu(self) -> float:
        """Return the CPU time that all processes of its session have taken, in seconds."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except OSError:
                continue  # It has ended.
            if int(fields[3]) == self.pid:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS


@contextmanager
def serve(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run ministack with settings of its own, and lead this process and its children to it."""
    program = shutil.which("ministack") or sys.exit("put ministack (from PyPI) on PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "SERVICES": "s3"}
    process = subprocess.Popen(
        [program],
        env={**os.environ, **env, **(settings or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    sys.exit("ministack does not answer")
                time.sleep(0.1)
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": "us-east-1",
        }
        yield Server(os.environ["AWS_ENDPOINT_URL"], process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def upload(folder: Path, bucket: str, copies: int = 1) -> None:
    """Put the files of a folder into a bucket below ``in/``, several times under different names."""
    from forkresize.store.objects import open_store

    boto3.client("s3").create_bucket(Bucket=bucket)
    store = open_store(f"s3://{bucket}/in")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for copy in range(copies):
            store.put(f"{copy}/{path.relative_to(folder)}", path.read_bytes())


def timed(server: Server, name: str, *command: str) -> tuple[float, str]:
    """Return the wall time of a command that must succeed, and its output; print what took CPU time."""
    started, before = time.perf_counter(), _cpu_times(server)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    parts = [f"{what} {after - before[what]:.2f} s" for what, after in _cpu_times(server).items()]
    print(f"  {name}: {seconds:.2f} s; CPU of {', '.join(parts)}", flush=True)
    return seconds, done.stdout


def _cpu_times(server: Server) -> dict[str, float]:
    """Return the CPU times so far. Those of a command lack processes that it does not wait for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = children.ru_utime + children.ru_stime
    return {"the whole machine": busy_seconds(), "the command": command, "the server": server.cpu()}


def busy_seconds() -> float:
    """Return the CPU time that all processes of the machine have taken, in seconds."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / TICKS


def print_ratio(what: str, one: Sequence[float], other: Sequence[float], bar: str) -> None:
    """Print the median ratio of two measurements, next to its bar."""
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    print(f"{what}: {statistics.median(one):.2f} s / {statistics.median(other):.2f} s", end=", ")
    print(f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), bar {bar}")


def compare_photographs(folder: Path, copies: int, rounds: int) -> None:
    """Compare S3 to S3 with disk to disk, and the same with a single small picture: the cost of start and end."""
    draw(folder / "drawn", Random(0))
    for copy in range(copies):
        shutil.copytree(folder / "drawn", folder / "in" / str(copy))
    (folder / "one").mkdir()
    (folder / "one" / "small.jpg").write_bytes(draw_patches(Random(0), (160, 120)))
    with serve() as server:
        upload(folder / "drawn", "photos", copies)
        upload(folder / "one", "one")
        boto3.client("s3").create_bucket(Bucket="web")
        times = {case: list[float]() for case in itertools.product(("photos", "one"), ("s3", "disk"))}
        for number in range(rounds):
            for (what, where), seconds in [*times.items()][:: -1 if number % 2 else 1]:
                local = folder / ("in" if what == "photos" else what)
                source = f"s3://{what}/in" if where == "s3" else str(local)
                destination = f"{'s3://web' if where == 's3' else folder}/{what}-{number}"
                seconds.append(timed(server, f"{what}, {where}", COMMAND, source, destination, *PHOTOGRAPHS)[0])
    print_ratio("one small picture: S3 to S3 / disk to disk", times["one", "s3"], times["one", "disk"], "none")
    name = f"{4 * copies} photographs: S3 to S3 / disk to disk"
    print_ratio(name, times["photos", "s3"], times["photos", "disk"], "<= 1.15")


def compare_memory(counts: list[int]) -> None:
    """Compare the memory of the command for several numbers of keys."""
    peaks = {count: peak_memory(count) for count in counts}
    for count, peak in peaks.items():
        print(f"{count} keys: {peak / 1024:.1f} MiB, {(peak - peaks[counts[0]]) / 1024:+.1f} MiB")


def peak_memory(keys: int) -> int:
    """Return the peak memory of a run over so many unchanged objects, in KiB."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(keys)], check=True, stdout=subprocess.PIPE, text=True)
    counts, _, peak = done.stdout.strip().rpartition(" ")
    if json.loads(counts)["unchanged"] != keys:
        sys.exit(f"not all are unchanged: {counts}")
    return int(peak)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["photographs", "memory"])
    parser.add_argument("--copies", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, nargs="+", default=[1000, 1_000_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cases: dict[str, Callable[[], Any]] = {
            "photographs": lambda: compare_photographs(Path(name), arguments.copies, arguments.rounds),
            "memory": lambda: compare_memory(arguments.keys),
        }
        cases[arguments.what]()


if __name__ == "__main__":
    main()
