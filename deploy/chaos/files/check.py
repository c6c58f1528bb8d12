"""Check what a disturbed batch left: run it again in peace, run another that nothing disturbs, and compare them.

    python3 check.py SOURCE DISTURBED CALM [OPTION]...

The exit code is 0 if both ended well and made the same files, and 1 if not.
"""

import subprocess
import sys
from collections.abc import Iterator

from forkresize.store import OutputStore
from forkresize.store.objects import open_store

_SHOWN = 5
"""Names of files that a finding has at most."""


def main(source: str, disturbed: str, calm: str, *options: str) -> int:
    """Run both batches, and print what is wrong."""
    faults = [*_run(source, disturbed, options), *_run(source, calm, options)]
    faults += compare(open_store(disturbed), open_store(calm))
    sys.stdout.writelines(f"{fault}\n" for fault in faults or ["nothing is wrong"])
    return 1 if faults else 0


def _run(source: str, destination: str, options: tuple[str, ...]) -> Iterator[str]:
    # Another run may still hold the destination.
    command = ["forkresize", source, destination, *options, "--lock-wait", "1h"]
    code = subprocess.run(command, check=False).returncode
    if code:
        yield f"the batch to {destination} ended with {code}"


def compare(found: OutputStore, expected: OutputStore) -> Iterator[str]:
    """Yield how two destinations differ, and which files of runs remain in the first one."""
    made, wanted = ({info.key: info for info in store.scan()} for store in (found, expected))
    both = made.keys() & wanted.keys()
    different = {key for key in both if made[key].size != wanted[key].size or _read(found, key) != _read(expected, key)}
    for text, keys in (
        ("missing", wanted.keys() - made.keys()),
        ("added", made.keys() - wanted.keys()),
        ("different", different),
        ("left behind", {info.key for info in found.scan(".forkresize/runs/")}),
    ):
        if keys:
            yield f"{text}: {len(keys)} files, such as {', '.join(sorted(keys)[:_SHOWN])}"
    if not wanted:
        yield "the undisturbed batch made nothing"


def _read(store: OutputStore, key: str) -> bytes:
    with store.open(key) as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
