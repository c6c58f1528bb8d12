"""A cluster on this machine for benchmarks and tests: its servers, its nodes, and the command as its client."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, Self

import boto3
import psycopg
from PIL import Image

from tests.servers.fault_proxy import FaultProxy
from tests.servers.s3 import S3Server

PROGRAMS = Path(sys.executable).parent
BUCKET = "chaos"
SOURCES = f"s3://{BUCKET}/in"
RECIPE = ("--width", "24,48")

_CONNECTIONS = 8

_START_DEADLINE = 60.0
"""Seconds within which a node has to take work after its start, or to end."""

Process = subprocess.Popen[bytes]


class Broker(Protocol):
    """A broker that can be restarted."""

    @property
    def url(self) -> str:
        """Its URL."""

    def restart(self) -> None:
        """Stop and start it; it keeps its messages."""


class Database(Broker, Protocol):
    """A database server that can be restarted."""

    def new_database(self) -> str:
        """Create a database; return its URL."""


class World:
    """The servers, and the programs that are started against them. A context manager that kills the programs.

    Args:
        folder: for logs and reports.
        database: a PostgreSQL server.
        broker: RabbitMQ or Redis.
        s3: an S3 server.

    Attributes:
        recipe: the options of all runs that say what is made.
        endpoint: where programs reach the S3 server: a proxy that can fail, unless it is bypassed.
        node_programs: the directory of the program of nodes that are started from now on.
        command_programs: the directory of the command.
    """

    def __init__(self, folder: Path, database: Database, broker: Broker, s3: S3Server) -> None:
        self.folder = folder
        self.database = database
        self.broker = broker
        self.ledger = database.new_database()
        self.nodes: dict[str, Process] = {}
        self.node_programs = self.command_programs = PROGRAMS
        self.proxy = FaultProxy(s3.endpoint)
        self.recipe: Sequence[str] = RECIPE
        self.endpoint = self.proxy.endpoint
        self._s3 = s3
        self._started: list[Process] = []
        self._generation = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.proxy.stop()

    def bypass_proxy(self) -> None:
        """Let programs that are started from now on reach the S3 server directly."""
        self.endpoint = self._s3.endpoint

    @property
    def client(self) -> Any:
        """A client of the S3 server, beside the proxy."""
        return boto3.client(
            "s3",
            endpoint_url=self._s3.endpoint,
            aws_access_key_id=self._s3.access_key,
            aws_secret_access_key=self._s3.secret_key,
            region_name="us-east-1",
        )

    @property
    def cluster(self) -> list[str]:
        """The options of a run on the cluster."""
        return ["--cluster", self.broker.url, "--ledger", self.ledger, "--lock-wait", "5m"]

    def draw_sources(self, count: int, seed: int, size: tuple[int, int] = (160, 120)) -> None:
        """Put pictures of smooth patches into the bucket."""
        colors = random.Random(seed)
        self.put_sources((f"{number % 7}/{number:05}.jpg", draw_patches(colors, size)) for number in range(count))

    def put_sources(self, sources: Iterable[tuple[str, bytes]], prefix: str = "in") -> None:
        """Put objects of these keys and contents below a prefix of the bucket, which is created if it is missing."""
        client = self.client
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=BUCKET)

        def put(source: tuple[str, bytes]) -> None:
            client.put_object(Bucket=BUCKET, Key=f"{prefix}/{source[0]}", Body=source[1])

        with ThreadPoolExecutor(_CONNECTIONS) as threads:
            # The list raises what a thread has raised.
            list(threads.map(put, sources))

    def start_node(self, name: str, *options: str) -> Process:
        """Start a node, with one worker if no option says otherwise, and a name of its own at each start."""
        self._generation += 1
        allowed = ["--allow", f"s3://{BUCKET}"]
        cluster = ["--cluster", self.broker.url, "--ledger", self.ledger, "--name", f"{name}.{self._generation}"]
        command = [str(self.node_programs / "forkresized"), "node", *cluster, *allowed, "-j", "1", *options]
        self.nodes[name] = self._start(command, f"{name}.log")
        return self.nodes[name]

    def start_ready_node(self, name: str, *options: str) -> Process:
        """Start a node, and wait until it takes work."""
        process = self.start_node(name, *options)
        ready = re.compile(rf"node {re.escape(name)}\.{self._generation}-\w+ is ready")
        log = self.folder / f"{name}.log"
        wait_until(lambda: ready.search(log.read_text()), _START_DEADLINE, f"node {name}")
        return process

    def stop_node(self, name: str) -> None:
        """End a node that has no work, and wait for it."""
        process = self.nodes.pop(name)
        process.terminate()
        process.wait(_START_DEADLINE)

    def start_command(self, destination: str, *options: str, sources: str = SOURCES) -> Process:
        """Start a run on the cluster, which prints its summary as JSON to ``summary.json``."""
        program = str(self.command_programs / "forkresize")
        command = [program, sources, destination, *self.recipe, "--json", *self.cluster, *options]
        return self._start(command, "command.log", "summary.json")

    def start_program(self, name: str, *arguments: str) -> Process:
        """Start an installed program, whose output goes to ``NAME.out``."""
        return self._start([str(PROGRAMS / name), *arguments], f"{name}.log", f"{name}.out")

    def run_plain(self, destination: str, *options: str) -> dict[str, Any]:
        """Run the command on this machine alone, beside the proxy, and return its summary."""
        command = [str(PROGRAMS / "forkresize"), SOURCES, destination, *self.recipe, "--json", *options]
        env = {**self._environment, **self._s3.env}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise RuntimeError(f"{done.args} ended with {done.returncode}: {done.stderr}")
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary

    def read_summary(self) -> dict[str, Any]:
        """Return the summary of the last run that ended."""
        summary: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return summary

    def list_objects(self, prefix: str) -> dict[str, str]:
        """Return the ETags of all objects below a prefix of the bucket, what forkresize keeps for itself included.

        The ETag of an object that was put in one request is the MD5 of its content.
        """
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        found = (each for page in pages for each in page.get("Contents", []))
        return {each["Key"].removeprefix(f"{prefix}/"): each["ETag"] for each in found}

    def has_outputs(self, prefix: str) -> bool:
        """Return whether a run has put an output below a prefix of the bucket."""
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")
        return any("/.forkresize/" not in each["Key"] for each in found.get("Contents", []))

    def shorten_lock(self, prefix: str, seconds: float) -> None:
        """Let the lock of a killed run below a prefix of the bucket count as abandoned after these seconds."""
        where = {"Bucket": BUCKET, "Key": f"{prefix}/.forkresize/lock"}
        # A run that ended in time has removed it.
        with contextlib.suppress(self.client.exceptions.NoSuchKey):
            holder = json.loads(self.client.get_object(**where)["Body"].read())
            self.client.put_object(**where, Body=json.dumps({**holder, "seconds": seconds}).encode())

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement on the database."""
        with psycopg.connect(self.ledger) as connection:
            return connection.execute(statement).fetchall()

    @property
    def _environment(self) -> dict[str, str]:
        own = {**self._s3.env, "AWS_ENDPOINT_URL": self.endpoint}
        return {**os.environ, **own, "XDG_STATE_HOME": str(self.folder / "state")}

    def _start(self, command: Sequence[str], log: str, output: str | None = None) -> Process:
        with (
            (self.folder / log).open("ab") as errors,
            (self.folder / (output or log)).open("wb" if output else "ab") as out,
        ):
            process = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
        self._started.append(process)
        return process


def draw_patches(colors: random.Random, size: tuple[int, int]) -> bytes:
    """Draw a JPEG of smooth patches."""
    patches = Image.frombytes("RGB", (8, 8), colors.randbytes(8 * 8 * 3))
    data = BytesIO()
    patches.resize(size, Image.Resampling.BICUBIC).save(data, "JPEG")
    return data.getvalue()


def wait_until(is_true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for an event.

    Raises:
        TimeoutError: it did not happen in time.
    """
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:.0f} s")
        time.sleep(0.05)


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """Yield the processes below a process, with their depth: 1 for its children."""
    parents: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry))
    level, depth = parents.get(pid, []), 1
    while level:
        yield from ((each, depth) for each in level)
        level, depth = [child for each in level for child in parents.get(each, [])], depth + 1
