"""A program that uses a pool, for tests to send signals to: ``program.py FOLDER SECONDS [ignore=SIGHUP] [no-libc]``.

Every job leaves a file in the folder that is named after it and holds its worker's process id; ``stopping`` appears
there when the pool stops. At the end the answers are printed as JSON.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from forkresize.pool import Pool, PoolOptions, WorkerLost
from forkresize.pool.libc import Libc

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
options = sys.argv[3:]


def work(number: int) -> int:
    (folder / "new").with_name(f"new-{number}").write_text(str(os.getpid()))
    (folder / f"new-{number}").rename(folder / str(number))
    threading.Event().wait(seconds)
    return number


def items() -> Iterator[int]:
    number = 0
    while not pool.stopping and number < 12:
        yield number
        number += 1


def note(_: object) -> None:
    if pool.stopping:
        (folder / "stopping").touch()


# A shell's "&" would have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
for option in options:
    if option.startswith("ignore="):
        signal.signal(signal.Signals[option.removeprefix("ignore=")], signal.SIG_IGN)
if "no-libc" in options:
    setattr(Libc, "die_with", lambda _self, _parent: None)  # noqa: B010  To assign it is more than mypy can follow.

pool: Pool[int, int]
with Pool(work, options=PoolOptions(workers=2, tick=0.01), on_tick=note) as pool:
    answers = [
        (answer.item, answer.reason if isinstance(answer, WorkerLost) else "done")
        for answer in pool.imap_unordered(items())
    ]
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print(json.dumps({"answers": answers, "interrupted": pool.interrupted}))  # noqa: T201
