"""A gateway that is asked for ten times what it can do: what it accepts, what it refuses, and its memory.

The client and the gateway share the machine. For the client to be able to offer that much, the pictures are large and
there is one worker: its capacity is some tens of pictures a second, and ten times as many requests take little of the
other processor, to which the client is bound. The figures are valid if the client was on time, which is shown.
"""

import argparse
import os
import tempfile

from benchmarks.gateway_client import Answers, hold, send
from benchmarks.gateway_memory import ProcessWatch
from benchmarks.gateway_pictures import LARGE, draw, link
from benchmarks.gateway_servers import Server, forkresize

_FACTOR = 10
_NAMES = 2000

_QUEUES = (0, 1, None)
"""Pictures that may wait; None for the default, 24 per worker."""


def overload(options: argparse.Namespace) -> None:
    """Offer ten times what the gateway can do: how the requests that it accepts fare, and its memory."""
    _bind_to_last_processor()
    with tempfile.TemporaryDirectory() as folder:
        names = link(folder, draw(folder, options.corpus, LARGE), _NAMES)
        for queue in _QUEUES:
            arguments = () if queue is None else ("--queue", str(queue))
            with forkresize(folder, 1, *arguments) as server:
                _measure(server, names, options, "the default" if queue is None else str(queue))


def _measure(server: Server, names: list[str], options: argparse.Namespace, queue: str) -> None:
    paths = [f"/i/unsafe/rs:fit:800:0/q:80/plain/p/{name}" for name in names]
    hold(server, paths, 1, 2)
    alone = hold(server, paths, 1, options.seconds)
    # One is rendered, one is next: more would be refused without a queue.
    capacity = hold(server, paths, 2, options.seconds).rate
    answers = Answers()
    with ProcessWatch(server.pid, lambda: answers.count) as watch:
        send(server, paths, _FACTOR * capacity, options.duration, answers)
    ratio = answers.quantile(0.99) / alone.quantile(0.99)
    print(f"queue of {queue}: capacity {capacity:.1f} pictures a second; one at a time, median {alone.median():.3f} s, "
          f"p99 {alone.quantile(0.99):.3f} s")  # fmt: skip
    print(f"  offered {answers.count / answers.seconds:.0f} a second for {answers.seconds:.0f} s: {answers.counts}; "
          f"sent late by {_ms(answers.late(0.5))} (median), {_ms(answers.late(0.99))} (p99)")  # fmt: skip
    print(f"  accepted: {answers.rate:.1f} a second, p99 {answers.quantile(0.99):.3f} s, {ratio:.2f} x one at a time")
    print(f"  503 after {_ms(answers.median(503))} (median), {_ms(answers.quantile(0.99, 503))} (p99), "
          f"{_ms(answers.quantile(1, 503))} (longest)")  # fmt: skip
    print("\n".join(watch.report()), flush=True)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _bind_to_last_processor() -> None:
    """Leave the other processors to the gateway and its worker."""
    if len(available := os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {max(available)})
