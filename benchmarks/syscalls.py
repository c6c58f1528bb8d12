"""List the system calls that the sandboxed workers of a command make, by strace: how often, and how many were denied.

A call of a worker counts from the moment when its filter is active. Run it on many pictures and options, with all
optional codecs installed, and on each supported Python; a call that is missing in pool/sandbox/syscalls.py fails with
EPERM and is listed as "not listed".

benchmarks/syscalls.py COMMAND [ARGUMENT...]
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from forkresize.pool.sandbox.seccomp import allowed_groups

FILTER = re.compile(r"^(\d+) +(?:prctl\(PR_SET_SECCOMP|seccomp\(SECCOMP_SET_MODE_FILTER)")
CALL = re.compile(r"^(\d+) +(\w+)\((.*)")
THREAD = re.compile(r"^(\d+) +(?:clone3?\(|<\.\.\. clone3? resumed>).* = (\d+)$")
DENIED = re.compile(r" = -1 (EPERM|ENOSYS|ENOTTY) ")
FLAGS = re.compile(r"\b(?:PROT|MADV|RLIMIT|PR|F|CLONE|TC|O)_\w+")
"""Constants in arguments on which the filter may depend."""

SHOWN = {"mmap", "mprotect", "madvise", "prlimit64", "prctl", "fcntl", "clone", "ioctl", "openat", "open"}
"""The calls whose constants are listed."""


def main() -> None:
    """Trace a command and print a table."""
    allowed = {name for group in allowed_groups() for name in group}
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace")
        strace = ["strace", "--follow-forks", "--string-limit=0", f"--output={trace}", "--signal=none"]
        code = subprocess.run([*strace, *sys.argv[1:]], check=False).returncode
        with trace.open(errors="replace") as lines:
            calls = Counter(calls_of_workers(lines))
    print(f"exit code {code}")
    for (name, flags, error), count in sorted(calls.items()):
        print(f"{count:8} {name:20} {error:7} {'' if name in allowed else 'not listed':10} {flags}")


def calls_of_workers(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the constants and the error of each call that a worker or one of its threads makes."""
    confined: set[str] = set()
    for line in lines:
        if (thread := THREAD.match(line)) and thread[1] in confined:
            confined.add(thread[2])
        if (call := CALL.match(line)) and call[1] in confined:
            flags = " ".join(FLAGS.findall(call[3])) if call[2] in SHOWN else ""
            error = DENIED.search(call[3])
            yield call[2], flags, error[1] if error else ""
        if start := FILTER.match(line):
            confined.add(start[1])


if __name__ == "__main__":
    main()
