"""The command, with decoders that take over their workers: python -m benchmarks.attack_driver SETUP.json ARGUMENTS...

The hook replaces the method by which Pillow opens a JPEG. The parent has the same code, but never calls it. Pictures
named ``attack-N.jpg`` run the probe with this number; what it met is written to shared memory, in a file.
"""

import json
import mmap
import os
import sys
from pathlib import Path
from typing import Any

from PIL import JpegImagePlugin

from benchmarks.attack_files import FILES
from benchmarks.attack_kernel import OTHERS
from benchmarks.attack_probe import Probe, find_target, perform
from benchmarks.attack_processes import PROCESSES
from benchmarks.attack_protocol import PARENT
from forkresize.pool.sandbox import landlock

PROBES: tuple[Probe, ...] = (*FILES, *PROCESSES, *OTHERS, *PARENT)

SLOT = 256
"""Bytes of shared memory for what one probe met."""

STARTED = "started"


def slots(path: Path) -> dict[int, str]:
    """Return what the probes met, by their numbers."""
    data = path.read_bytes()
    texts = {number: data[number * SLOT : (number + 1) * SLOT].rstrip(b"\0") for number in range(len(PROBES))}
    return {number: text.decode(errors="replace") for number, text in texts.items() if text}


def hook(setup: dict[str, Any]) -> None:
    """Replace the decoder of JPEGs; in workers, it runs probes."""
    with open(f"{setup['root']}/slots", "r+b") as file:
        memory = mmap.mmap(file.fileno(), SLOT * len(PROBES))
    parent, opening = os.getpid(), JpegImagePlugin.JpegImageFile._open  # noqa: SLF001  Where decoders start.

    def record(number: int, text: str) -> None:
        memory[number * SLOT : (number + 1) * SLOT] = text.encode()[:SLOT].ljust(SLOT, b"\0")

    def open_and_attack(image: JpegImagePlugin.JpegImageFile) -> None:
        target = find_target(setup["root"], setup["victim"], parent)
        name = os.path.basename(target.source)
        if os.getpid() != parent and name.startswith("attack-"):
            number = int(name[len("attack-") : -len(".jpg")])
            record(number, STARTED)
            record(number, perform(PROBES[number], target))
        opening(image)

    JpegImagePlugin.JpegImageFile._open = open_and_attack  # type: ignore[method-assign,assignment]  # noqa: SLF001


def main() -> None:
    """Pretend a version of Landlock if one is given, then run the command."""
    setup = json.loads(Path(sys.argv[1]).read_text())
    if setup["landlock"] is not None:
        landlock.abi_version = lambda: setup["landlock"]
    hook(setup)
    sys.argv = ["forkresize", *sys.argv[2:]]
    from forkresize.cli import program

    program()


if __name__ == "__main__":
    main()
