"""Load on the gateway: compared with Fastify and sharp, and with thumbor; overload, lost workers, memory over time.

    NODE_PATH=PEERS/node_modules PATH=$PATH:PEERS/thumbor/bin python -m benchmarks.gateway load --corpus PHOTOS

Runs the servers that are installed, on the same pictures and by the same client; see benchmarks/README.md.
"""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks.gateway_client import hold, send
from benchmarks.gateway_servers import SERVERS, available, forkresize

PICTURES = 8
LARGE = (4746, 3164)
SMALL = (160, 120)

_ROUNDS_OF_PATHS = 1000
"""How many different URLs there are for each picture."""


def draw(folder: str, corpus: str | None, size: tuple[int, int]) -> list[str]:
    """Write baseline JPEGs of a size, from photographs if there are any, and return their names."""
    photographs = sorted(path for path in Path(corpus).iterdir() if path.suffix == ".jpg") if corpus else []
    names = []
    for number in range(PICTURES):
        if photographs:
            with Image.open(photographs[number % len(photographs)]) as image:
                picture = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        else:
            noise = random.Random(number).randbytes(3 * 64 * 48)
            picture = Image.frombytes("RGB", (64, 48), noise).resize(size, Image.Resampling.BICUBIC)
        names.append(f"{number}.jpg")
        picture.save(os.path.join(folder, names[-1]), quality=90)
    return names


def load(options: argparse.Namespace) -> None:
    """Compare requests a second: two sizes of sources, all servers alternately, and one worker."""
    with tempfile.TemporaryDirectory() as folder:
        for label, size, width in (("15 megapixels to 800", LARGE, 800), ("160 x 120 to 80", SMALL, 80)):
            names = draw(folder, options.corpus, size)
            rates: dict[str, list[float]] = {}
            for _ in range(options.rounds):
                for server in available():
                    rates.setdefault(server, []).append(_measure(server, folder, names, width, options))
                options.workers, workers = 1, options.workers
                rates.setdefault("one worker", []).append(_measure("forkresize", folder, names, width, options))
                options.workers = workers
            print(f"{label}, {options.connections} connections, {options.seconds} s, {options.rounds} rounds")
            for server, found in rates.items():
                ratios = [own / other for own, other in zip(rates["forkresize"], found, strict=True)]
                print(f"  {server:12} {median(found):8.1f} a second   forkresize / it: {_spread(ratios)}")


def _measure(server: str, folder: str, names: Sequence[str], width: int, options: argparse.Namespace) -> float:
    with SERVERS[server](folder, options.workers) as running:
        paths = [running.path(width, name) for _ in range(_ROUNDS_OF_PATHS) for name in names]
        hold(running, paths, options.connections, 1)
        answers = hold(running, paths, options.connections, options.seconds)
    if set(answers.counts) != {200}:
        print(f"  {server}: {answers.counts}")
    return answers.rate


def overload(options: argparse.Namespace) -> None:
    """Offer ten times what the gateway can do: how the requests that it accepts fare, and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        names = draw(folder, options.corpus, LARGE)
        for queue in (2, 16):
            with forkresize(folder, options.workers, "--queue", str(queue)) as server:
                paths = [server.path(800, name) for _ in range(_ROUNDS_OF_PATHS) for name in names]
                alone = hold(server, paths, 1, options.seconds)
                eight = hold(server, paths, options.connections, options.seconds)
                before = _memory(server.pid)
                answers = send(server, paths, 10 * max(alone.rate, eight.rate), options.duration)
                after = _memory(server.pid)
            print(f"queue of {queue}, {answers.counts} in {answers.seconds:.0f} s")
            print(f"  alone: p99 {alone.quantile(0.99):.3f} s; {options.connections} connections: "
                  f"{eight.rate:.1f} a second, p99 {eight.quantile(0.99):.3f} s, {eight.counts}")  # fmt: skip
            print(f"  accepted: {answers.rate:.1f} a second, p99 {answers.quantile(0.99):.3f} s, "
                  f"{answers.quantile(0.99) / alone.quantile(0.99):.1f} x alone")  # fmt: skip
            print(f"  503: median {answers.median(503):.3f} s, p99 {answers.quantile(0.99, 503):.3f} s")
            print(f"  memory of all processes: {before:.0f} MB before, {after:.0f} MB after")


def kills(options: argparse.Namespace) -> None:
    """Kill a random worker every 200 ms under load: only its request may fail, and none may hang."""
    generator = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        names = draw(folder, options.corpus, LARGE)
        with forkresize(folder, options.workers) as server:
            paths = [server.path(800, name) for _ in range(_ROUNDS_OF_PATHS) for name in names]
            killed = 0
            ended = threading.Event()

            def kill() -> None:
                nonlocal killed
                while not ended.wait(0.2):
                    if workers := _workers(server.pid):
                        killed += _kill(generator.choice(workers))

            thread = threading.Thread(target=kill)
            thread.start()
            answers = hold(server, paths, options.connections, options.duration)
            ended.set()
            thread.join()
            after = hold(server, paths, options.connections, 5)
    print(f"{killed} workers killed in {answers.seconds:.0f} s: {answers.counts}, longest {answers.quantile(1):.1f} s")
    print(f"afterwards: {after.counts}")


def soak(options: argparse.Namespace) -> None:
    """Send many requests for small pictures: growth of the gateway's memory and descriptors."""
    with tempfile.TemporaryDirectory() as folder:
        names = draw(folder, options.corpus, SMALL)
        with forkresize(folder, options.workers) as server:
            paths = [server.path(80, name) for name in names]
            done = 0
            while done < options.requests:
                answers = hold(server, paths, options.connections, options.seconds)
                done += sum(answers.counts.values())
                memory = f"gateway {_resident(server.pid):.1f} MB, all {_memory(server.pid):.0f} MB"
                descriptors = len(os.listdir(f"/proc/{server.pid}/fd"))
                print(f"{done:9,} {answers.rate:5.0f} a second, {memory}, {descriptors} descriptors, {answers.counts}")


def cached(options: argparse.Namespace) -> None:
    """Ask for what a client has, and for what the store has: no worker is needed."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as store:
        names = draw(folder, options.corpus, LARGE)
        preset = os.path.join(store, "web.toml")
        Path(preset).write_text('[[renditions]]\nsize = "800x"\nquality = 80\n', encoding="utf-8")
        kept = ["--store", os.path.join(store, "kept"), "--preset", f"web={preset}"]
        with forkresize(folder, options.workers, *kept) as server:
            paths = [f"/i/unsafe/pr:web/plain/p/{name}" for name in names]
            hold(server, paths, 1, 3)
            stored = hold(server, paths, options.connections, options.seconds)
            unchanged = hold(server, paths, options.connections, options.seconds, "If-None-Match: *\r\n")
    print(f"derivatives in the store: {stored.rate:.0f} a second, {stored.counts}")
    print(f"copies that are up to date: {unchanged.rates(304):.0f} a second, {unchanged.counts}")


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _descendants(pid: int) -> list[int]:
    """Return the ids of all processes below one, parents first."""
    found = [pid]
    for each in found:
        for task in _list(f"/proc/{each}/task"):
            found += map(int, _read(f"/proc/{each}/task/{task}/children").split())
    return found[1:]


def _workers(pid: int) -> list[int]:
    """Return the ids of processes without children below one: the workers."""
    below = _descendants(pid)
    return [each for each in below if not _descendants(each) and len(below) > 1]


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _resident(pid: int) -> float:
    """Return the memory of a process in MB."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if fields else 0.0


def _memory(pid: int) -> float:
    """Return the memory of a process and all below it in MB; shared pages count for each."""
    return sum(map(_resident, [pid, *_descendants(pid)]))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _list(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


WHAT: dict[str, Callable[[argparse.Namespace], None]] = {
    "load": load,
    "overload": overload,
    "kills": kills,
    "soak": soak,
    "cached": cached,
}


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--corpus", help="folder of photographs; otherwise, pictures are drawn")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--duration", type=float, default=60.0, help="seconds of overload and of kills")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the soak")
    parser.add_argument("--seed", type=int, default=0)
    started = time.monotonic()
    options = parser.parse_args()
    WHAT[options.what](options)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
