"""Measure runs with object stores: against local disks, against the time of listing, and the memory for many keys.

    python -m benchmarks.remote photographs --copies 12 --rounds 3
    python -m benchmarks.remote unchanged --keys 20000
    python -m benchmarks.remote memory --keys 1000 1000000

The first two start ``ministack``, an S3 server in Python that shares the machine; its CPU time is shown apart. The last
one serves listings from a stub of the store protocol.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import boto3

from benchmarks.photographs import draw
from benchmarks.repeat import plant

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")
TICKS = os.sysconf("SC_CLK_TCK")

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
def serve() -> Iterator[Server]:
    """Run ministack, and lead this process and its children to it."""
    program = shutil.which("ministack") or sys.exit("put ministack (from PyPI) on PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "SERVICES": "s3"}
    process = subprocess.Popen(
        [program],
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
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


def timed(server: Server, *arguments: str) -> tuple[float, float]:
    """Return the wall time of a command that must succeed, and the CPU time that the server took."""
    started, cpu = time.perf_counter(), server.cpu()
    subprocess.run([COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started, server.cpu() - cpu


def compare_photographs(folder: Path, copies: int, rounds: int) -> None:
    """Compare S3 to S3 with disk to disk."""
    draw(folder / "drawn", Random(0))
    for copy in range(copies):
        shutil.copytree(folder / "drawn", folder / "in" / str(copy))
    options = ["--width", "800", "--format", "webp", "--force", "--no-ledger"]
    with serve() as server:
        upload(folder / "drawn", "photos", copies)
        boto3.client("s3").create_bucket(Bucket="web")
        remote, local, cpu = [], [], []
        for number in range(rounds):
            seconds, of_server = timed(server, "s3://photos/in", f"s3://web/{number}", *options)
            remote.append(seconds)
            cpu.append(of_server)
            local.append(timed(server, str(folder / "in"), str(folder / f"out{number}"), *options)[0])
    ratios = [a / b for a, b in zip(remote, local, strict=True)]
    print(f"{4 * copies} photographs: S3 to S3 {statistics.median(remote):.2f} s ({_range(remote)})")
    print(f"disk to disk {statistics.median(local):.2f} s ({_range(local)})")
    print(f"ratio {statistics.median(ratios):.3f} ({_range(ratios)}); CPU of the server {statistics.median(cpu):.2f} s")


def compare_unchanged(folder: Path, keys: int, rounds: int, ledger: str | None) -> None:
    """Compare a second run without changes with the time of listing both sides."""
    plant(folder / "in", keys)
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    options = ["--width", "24", *(["--ledger", ledger] if ledger else [])]
    with serve() as server:
        upload(folder / "in", "photos")
        boto3.client("s3").create_bucket(Bucket="web")
        first = timed(server, "s3://photos/in", "s3://web/out", *options)
        runs, lists = [], []
        for _ in range(rounds):
            runs.append(timed(server, "s3://photos/in", "s3://web/out", *options))
            lists.append(_timed_listing(server))
    again, listing = (statistics.median(seconds for seconds, _ in each) for each in (runs, lists))
    print(f"{keys} keys: first run {first[0]:.1f} s")
    print(f"again {again:.2f} s, the server {runs[-1][1]:.2f} s of CPU")
    print(f"listing both sides {listing:.2f} s, the server {lists[-1][1]:.2f} s of CPU; ratio {again / listing:.2f}")


def _timed_listing(server: Server) -> tuple[float, float]:
    started, cpu = time.perf_counter(), server.cpu()
    script = (
        "from forkresize.store.objects import open_store\n"
        "for url in ('s3://photos/in', 's3://web/out'):\n"
        "    print(sum(1 for _ in open_store(url).scan()))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started, server.cpu() - cpu


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


def _range(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["photographs", "unchanged", "memory"])
    parser.add_argument("--copies", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, nargs="+", default=[1000, 1_000_000])
    parser.add_argument("--ledger", help="URL of the ledger of the second run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cases: dict[str, Callable[[], Any]] = {
            "photographs": lambda: compare_photographs(Path(name), arguments.copies, arguments.rounds),
            "unchanged": lambda: compare_unchanged(Path(name), arguments.keys[0], arguments.rounds, arguments.ledger),
            "memory": lambda: compare_memory(arguments.keys),
        }
        cases[arguments.what]()


if __name__ == "__main__":
    main()
