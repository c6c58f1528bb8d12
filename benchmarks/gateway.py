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

from benchmarks.gateway_client import hold
from benchmarks.gateway_memory import descendants
from benchmarks.gateway_overload import overload
from benchmarks.gateway_pictures import LARGE, SMALL, draw
from benchmarks.gateway_servers import SERVERS, available, forkresize
from benchmarks.gateway_soak import soak

_ROUNDS_OF_PATHS = 1000
"""How many different URLs there are for each picture."""


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


def _workers(pid: int) -> list[int]:
    """Return the ids of processes without children below one: the workers."""
    below = descendants(pid)
    return [each for each in below if not descendants(each) and len(below) > 1]


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


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
