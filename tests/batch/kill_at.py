"""Kill a run at a call of the operating system."""

import signal
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import os, sys
from forkresize import PoolOptions, Recipe, Settings, run
import forkresize.store.replace
name, turn, *arguments = sys.argv[1:]
real, calls = getattr(os, name), 0
def deadly(*arguments, **options):
    global calls
    if os.getpid() == parent:
        calls += 1
        if calls == int(turn):
            os.kill(parent, 9)
    return real(*arguments, **options)
parent = os.getpid()
setattr(os, name, deadly)
"""


def kill_at(name: str, turn: int, program: str, *arguments: Path, cwd: Path | None = None) -> None:
    """Run a program until it calls a function of ``os`` for the nth time; fail if it does not.

    Args:
        name: the function, as its own name in ``os``.
        turn: the number of the call, from 1.
        program: the run, in Python; it has ``run`` and its options, and ``arguments``.
        arguments: for the program.
        cwd: its working directory.
    """
    command = [sys.executable, "-c", _PROGRAM + program, name, str(turn), *map(str, arguments)]
    ended = subprocess.run(command, cwd=cwd, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
