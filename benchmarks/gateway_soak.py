"""A gateway that answers many requests for small pictures: the growth of its memory.

Half of the requests are for pictures that have to be made, each by another URL; a quarter for pictures in the store;
and a quarter are answered with 304.
"""

import argparse
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gateway_client import Answers, hold_until
from benchmarks.gateway_memory import ProcessWatch, measure
from benchmarks.gateway_pictures import SMALL, draw, link
from benchmarks.gateway_servers import forkresize

_PARTS = 20
"""How often the state is shown."""

_NAMES = 2000
"""Names of sources; each is a link to one of the pictures."""

_HEIGHTS = range(10_000, 100_000)
_QUALITIES = range(70, 90)

_PRESET = '[[renditions]]\nsize = "80x"\nquality = 80\n'


def soak(options: argparse.Namespace) -> None:
    """Send many requests for small pictures: growth of the gateway's memory and descriptors."""
    with tempfile.TemporaryDirectory() as work:
        folder = os.path.join(work, "in")
        os.mkdir(folder)
        names = link(folder, draw(folder, options.corpus, SMALL), _NAMES)
        preset = Path(work, "web.toml")
        preset.write_text(_PRESET, encoding="utf-8")
        kept = ("--store", os.path.join(work, "kept"), "--preset", f"web={preset}")
        with forkresize(folder, options.workers, *kept) as server:
            answers = Answers()
            with ProcessWatch(server.pid, lambda: answers.count, max(1.0, options.requests / 100_000)) as watch:
                requests = _mix(names)
                for _ in range(_PARTS):
                    hold_until(server, requests, options.connections, options.requests // _PARTS, answers)
                    memory = sum(measure(server.pid).values()) / 1e6
                    print(f"{answers.count:9,} in {answers.seconds:.0f} s, {memory:.1f} MB", flush=True)
    print(f"{answers.count:,} requests in {answers.seconds:.0f} s, {answers.count / answers.seconds:.0f} a second, "
          f"{options.connections} connections, {options.workers} workers: {answers.counts}")  # fmt: skip
    print("\n".join(watch.report()))


def _mix(names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield paths and header lines, without end."""
    different = itertools.cycle(itertools.product(_QUALITIES, _HEIGHTS))
    for name in itertools.cycle(names):
        for _ in range(2):
            quality, height = next(different)
            # The height has no effect but to be different: equal requests would be made once.
            yield f"/i/unsafe/rs:fit:80:{height}/q:{quality}/plain/p/{name}", ""
        yield f"/i/unsafe/pr:web/plain/p/{name}", ""
        yield f"/i/unsafe/pr:web/plain/p/{name}", "If-None-Match: *\r\n"
