"""Run the command many times in children of one process, which loads its modules once.

Reads ``[[folder, [argument, ...]], ...]`` in JSON; writes ``[[exit code, output, errors], ...]``.
"""

import json
import os
import sys
import tempfile
from typing import NoReturn

from forkresize.cli import program
from forkresize.cli.command import call
from forkresize.image.transform import preload
from forkresize.recipe import Recipe

TERMINAL = {"TERM": "xterm", "COLUMNS": "100"}


def become_command(folder: str, arguments: list[str], output: int, errors: int) -> NoReturn:
    os.chdir(folder)
    os.environ.update(TERMINAL)
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, standard)
    sys.argv = ["forkresize", *arguments]
    program()


def run(folder: str, arguments: list[str]) -> tuple[int, str, str]:
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        if not (child := os.fork()):
            become_command(folder, arguments, output.fileno(), errors.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        errors.seek(0)
        return code, output.read(), errors.read()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        call([folder, os.path.join(folder, "out"), "--width", "8", "--quiet", "--dry-run"])
    preload(Recipe.of(width=8))
    json.dump([run(folder, arguments) for folder, arguments in json.load(sys.stdin)], sys.stdout)
