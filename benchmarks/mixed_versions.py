"""Run batches on clusters whose client and nodes have different versions of forkresize.

    python -m benchmarks.mixed_versions --previous 0.2.0       # a version at the package index
    python -m benchmarks.mixed_versions --previous d917680     # a commit of this repository

The previous version is installed in an environment of its own. In each combination, a batch has to be finished, with
all outputs and no failure, or the command has to say why it is not. The exit code is 1 if one did neither. Afterwards
a client and a node of this version have to finish the batch.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks.cluster_servers import start_servers
from benchmarks.cluster_world import BUCKET, PROGRAMS, Process, World

_ROOT = Path(__file__).parent.parent
_REFUSALS = ("no node takes run", "a later version of forkresize")
"""What a command says that cannot use the nodes, or the database."""

_PATIENCE = 60.0
"""Seconds within which a batch has to be finished, or refused."""


class Combination(Struct, frozen=True):
    """Who works together.

    Attributes:
        name: for people.
        client: the directory of the command's program.
        nodes: the directories of the programs of nodes, in the order of their start.
    """

    name: str
    client: Path
    nodes: tuple[Path, ...]


def install(previous: str, folder: Path) -> Path:
    """Install a version in an environment of its own; return the directory of its programs.

    Args:
        previous: a commit of this repository, or a version at the package index.
        folder: for the environment.
    """
    git = shutil.which("git") or "git"
    find = [git, "-C", str(_ROOT), "rev-parse", "--quiet", "--verify", f"{previous}^{{commit}}"]
    commit = subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip()
    requirement = f"forkresize[cluster]=={previous}"
    if commit:
        source = folder / "source"
        subprocess.run([git, "clone", "--quiet", "--no-checkout", str(_ROOT), str(source)], check=True)
        subprocess.run([git, "-C", str(source), "checkout", "--quiet", commit], check=True)
        requirement = f"{source}[cluster]"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--quiet", requirement]
    subprocess.run(pip, check=True)
    return folder / "venv/bin"


def try_combination(world: World, combination: Combination, number: int, pictures: int) -> str:
    """Run a batch; return how it ended.

    Raises:
        RuntimeError: it was neither finished nor refused with a message.
    """
    prefix = f"mixed-{number}"
    with _nodes(world, combination):
        world.command_programs = combination.client
        found = _run_batch(world, prefix, pictures)
    with _nodes(world, Combination("", PROGRAMS, (PROGRAMS,))):
        world.command_programs = PROGRAMS
        command = world.start_command(f"s3://{BUCKET}/{prefix}")
        if command.wait(_PATIENCE):
            raise RuntimeError(f"nodes of this version did not finish the batch: {_log(world)}")
    summary = world.read_summary()
    rest = f"the next run of this version made {summary['written']}, and kept {summary['unchanged']}"
    if summary["written"] + summary["unchanged"] != pictures or summary["failed"]:
        raise RuntimeError(f"outputs are missing: {rest}, {summary['failed']} failed")
    return f"{found}; {rest}"


def _run_batch(world: World, prefix: str, pictures: int) -> str:
    command = world.start_command(f"s3://{BUCKET}/{prefix}")
    deadline, started = time.monotonic() + _PATIENCE, len(_log(world))
    while command.poll() is None and not _refusal(_log(world)[started:]):
        if time.monotonic() > deadline:
            _interrupt(command)
            raise RuntimeError(f"neither finished nor refused within {_PATIENCE:.0f} s: {_log(world)[started:]}")
        time.sleep(0.1)
    code = command.poll()
    refusal = _refusal(_log(world)[started:])
    if code == 0:
        summary = world.read_summary()
        if summary["written"] != pictures or summary["failed"]:
            raise RuntimeError(f"{summary['written']} of {pictures} made, {summary['failed']} failed")
        return f"finished, {pictures} outputs"
    if code is None:
        _interrupt(command)
    if not refusal:
        raise RuntimeError(f"ended with {code}, and no reason: {_log(world)[started:]}")
    return f"refused: {refusal}"


def _refusal(text: str) -> str:
    return next((line for line in text.splitlines() if any(each in line for each in _REFUSALS)), "")


def _interrupt(command: Process) -> None:
    """End a command that waits for nodes."""
    command.terminate()
    try:
        command.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        command.kill()
        command.wait()


@contextmanager
def _nodes(world: World, combination: Combination) -> Iterator[None]:
    """Run the nodes of a combination until the block ends."""
    for number, programs in enumerate(combination.nodes):
        world.node_programs = programs
        world.start_ready_node(f"node-{number}")
    yield
    for number in range(len(combination.nodes)):
        world.stop_node(f"node-{number}")


def _log(world: World) -> str:
    path = world.folder / "command.log"
    return path.read_text() if path.exists() else ""


def main() -> int:
    """Try all combinations, and print a line for each; return 1 if one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--previous", required=True, metavar="COMMIT_OR_VERSION")
    parser.add_argument("--broker", choices=["rabbitmq", "redis"], default="rabbitmq", help="[%(default)s]")
    parser.add_argument("--pictures", type=int, default=40, help="sources of each batch [%(default)s]")
    arguments = parser.parse_args()
    wrong = 0
    with (
        tempfile.TemporaryDirectory(prefix="forkresize-mixed-") as temporary,
        start_servers(Path(temporary), arguments.broker) as servers,
    ):
        folder = Path(temporary)
        previous = install(arguments.previous, folder)
        combinations = (
            Combination("client of this version, nodes of the previous one", PROGRAMS, (previous, previous)),
            Combination("client of the previous version, nodes of this one", previous, (PROGRAMS, PROGRAMS)),
            Combination("client of this version, nodes of both", PROGRAMS, (previous, PROGRAMS)),
            Combination("client of the previous version, nodes of both", previous, (previous, PROGRAMS)),
        )
        for number, combination in enumerate(combinations):
            # Each has a database of its own, so that the first program to use it decides about its tables.
            logs = folder / f"logs-{number}"
            logs.mkdir()
            with World(logs, *servers) as world:
                world.draw_sources(arguments.pictures, seed=1)
                try:
                    found = try_combination(world, combination, number, 2 * arguments.pictures)
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    found, wrong = f"WRONG: {error}", 1
            print(f"{combination.name}: {found}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
