"""A program with a pool that tests send signals to: ``program.py FOLDER SECONDS [ignore=SIGHUP] [no-libc]``.

Each task creates a file in the folder, named by its number, that contains its worker's process id; ``stopping`` is
created when the pool stops. At the end the results are printed as JSON.
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


# A shell's "&" makes children ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
for option in options:
    if option.startswith("ignore="):
        signal.signal(signal.Signals[option.removeprefix("ignore=")], signal.SIG_IGN)
if "no-libc" in options:
    setattr(Libc, "set_parent_death_signal", lambda _self, _parent: None)  # noqa: B010  mypy rejects assigning a method.

pool: Pool[int, int]
with Pool(work, options=PoolOptions(workers=2, tick=0.01), on_tick=note) as pool:
    results = [
        (result.item, result.reason if isinstance(result, WorkerLost) else "done")
        for result in pool.imap_unordered(items())
    ]
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print(json.dumps({"results": results, "interrupted": pool.interrupted}))  # noqa: T201
