"""A cluster for tests: a broker, a database, pictures in a store, and nodes as processes."""

import contextlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import NewChunk, Progress
from forkresize.cluster.manifest import Header, JobOutcome, PlannedJob, manifest_key, read_outcomes, write_manifest
from forkresize.cluster.publisher import Publisher
from forkresize.cluster.spec import RunSpec
from forkresize.job import Job, Output, Source
from forkresize.ledger import OutputRecord, open_ledger
from forkresize.recipe import Recipe, Rendition, Size, to_bytes
from forkresize.store import ObjectInfo
from forkresize.store.objects import open_store
from tests.servers.program import uses

BROKERS = [
    pytest.param("rabbitmq", marks=[*uses("rabbitmq"), pytest.mark.slow]),
    pytest.param("redis", marks=[*uses("redis"), pytest.mark.slow]),
]

ON_RABBITMQ = pytest.mark.parametrize("broker", BROKERS[:1], indirect=True)
ON_REDIS = pytest.mark.parametrize("broker", BROKERS[1:], indirect=True)
"""For what does not depend on the broker, on one of them."""

DEADLINE = 60.0
"""Seconds after which something that has to happen counts as missing."""

_INTERVAL = 0.05


def wait_for(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Return the first true value of a condition."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(_INTERVAL)


def draw_jpeg(seed: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """Return a picture of smooth patches."""
    patches = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(8 * 8 * 3))  # noqa: S311 -- seeded on purpose.
    buffer = io.BytesIO()
    patches.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


class NodeProcess:
    """A node that runs.

    Args:
        arguments: of the process.
        env: variables besides those of this process.
        log: the file for what it prints.
    """

    def __init__(self, arguments: list[str], env: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                arguments, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text(errors="replace")

    @property
    def name(self) -> str:
        """The name that it has given itself."""
        found = re.search(r"node (\S+) is ready", self.log)
        assert found, self.log
        return found[1]

    def wait_until_ready(self) -> None:
        wait_for(lambda: " is ready" in self.log or self.process.poll() is not None, f"a node is ready: {self.log}")
        assert self.process.poll() is None, self.log

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it at once, with what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)

    def wait(self) -> int:
        """Wait until it has ended; return the exit code."""
        return self.process.wait(DEADLINE)


class Lab:
    """A cluster, with one run.

    Args:
        broker: URL of a broker whose queues are empty.
        ledger: URL of an empty database.
        source: URL that pictures lie below.
        destination: URL that outputs are put below.
        folder: for logs.
    """

    def __init__(self, broker: str, ledger: str, source: str, destination: str, folder: Path) -> None:
        self.broker = broker
        self.ledger = ledger
        self.folder = folder
        self.env: dict[str, str] = {}
        self.key: bytes | None = None
        self.source = open_store(source)
        self.destination = open_store(destination)
        self.urls = source, destination
        self.nodes: list[NodeProcess] = []
        self.recipe = Recipe(renditions=(Rendition(size=Size(width=80)),))
        self.database = ClusterDatabase(ledger)
        self.database.migrate()
        self.publisher = Publisher(broker)
        self._ledger = open_ledger(destination, ledger)
        self._ledger.begin_run()
        self.run = self._ledger.run
        self.jobs: list[Job] = []
        self.before: tuple[str | None, ...] = ()
        self.limits: dict[str, Any] = {}
        self.traceparent = ""

    @property
    def spec(self) -> RunSpec:
        fingerprints = fingerprint_recipe(self.recipe, None)
        return RunSpec(
            sources=[self.urls[0]],
            destination=self.urls[1],
            recipe=to_bytes(self.recipe).decode(),
            renditions=[each.hex() for each in fingerprints.renditions],
            combined=fingerprints.combined.hex(),
            cache_control="max-age=60",
            **self.limits,
        )

    def add_pictures(self, count: int, size: tuple[int, int] = (320, 240), name: str = "picture") -> None:
        """Put pictures into the source."""
        data = draw_jpeg(count, size)
        for _ in range(count):
            key = f"{name}-{len(self.jobs):04d}.jpg"
            info = self.source.put(key, data)
            self.jobs.append(Job(_source(self.source.location(key), key, info), (Output(f"small/{key}"),)))

    def publish(self, chunk_size: int, *, relay: bool = True) -> None:
        """Begin the run: write manifests, add chunks and announce them."""
        spec = self.spec
        self.database.runs.create(self.run, spec, "test", self.traceparent)
        chunks = []
        for number, first in enumerate(range(0, len(self.jobs), chunk_size), 1):
            jobs: Sequence[Job] = self.jobs[first : first + chunk_size]
            if self.before:
                jobs = [PlannedJob(job.source, job.outputs, job.in_place, self.before) for job in jobs]
            key = manifest_key(self.run, number)
            header = Header(run=self.run, chunk=number, spec=spec.digest, lines=0)
            self.destination.put(key, write_manifest(jobs, header, self.key))
            chunks.append(NewChunk(number, key, 0, len(jobs), sum(job.source.size for job in jobs)))
        self.database.runs.add_chunks(self.run, chunks)
        self.database.runs.close(self.run)
        if relay:
            with Publisher(self.broker, self.key) as publisher:
                publisher.check()
                while self.database.outbox.relay(publisher.publish):
                    pass

    def start_node(
        self, *arguments: str, script: Path | None = None, allow: tuple[str, ...] | None = None
    ) -> NodeProcess:
        """Start a node with one worker; return it when it is ready."""
        program = (
            [sys.executable, str(script)] if script else [os.path.join(os.path.dirname(sys.executable), "forkresized")]
        )
        allowed = [part for url in (self.urls if allow is None else allow) for part in ("--allow", url)]
        command = [*program, "node", "--cluster", self.broker, "--ledger", self.ledger, "-j", "1", *allowed, *arguments]
        node = NodeProcess(command, self.env, self.folder / f"node-{len(self.nodes)}.log")
        self.nodes.append(node)
        node.wait_until_ready()
        return node

    def status(self, *arguments: str) -> str:
        """Return what ``forkresized status`` prints."""
        program = os.path.join(os.path.dirname(sys.executable), "forkresized")
        command = [program, "status", "--cluster", self.broker, "--ledger", self.ledger, *arguments]
        env = {**os.environ, **self.env}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=DEADLINE).stdout

    @property
    def progress(self) -> Progress:
        progress = self.database.runs.progress(self.run)
        assert progress is not None
        return progress

    def wait_until_finished(self, seconds: float = DEADLINE) -> None:
        try:
            wait_for(lambda: self.progress.is_finished, "the run is finished", seconds)
        except AssertionError as error:
            logs = "\n".join(node.log for node in self.nodes)
            raise AssertionError(f"{error}\n{self.progress}\n{logs}") from None

    def outcomes(self) -> list[JobOutcome]:
        """Return the outcomes of all chunks that are done, in the order of the manifests' numbers and jobs."""
        found = []
        for chunk in self.database.runs.finished_chunks(self.run):
            with self.destination.open(chunk.outcomes) as file:
                header, outcomes = read_outcomes(file.read(), self.key)
            assert (header.run, header.lines) == (self.run, chunk.count)
            assert [each.index for each in outcomes] == list(range(chunk.first, chunk.first + chunk.count))
            found += [(chunk.manifest, each) for each in outcomes]
        return [each for _, each in sorted(found, key=lambda pair: (pair[0], pair[1].index))]

    def outputs(self) -> list[str]:
        """Return the keys of all outputs."""
        return sorted(info.key for info in self.destination.scan())

    def records(self) -> list[OutputRecord]:
        """Return the ledger's rows."""
        with open_ledger(self.urls[1], self.ledger, read_only=True) as ledger:
            return list(ledger.iter_records())

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
        self._ledger.close()
        self.publisher.close()
        self.database.close()


def _source(path: str, key: str, info: ObjectInfo) -> Source:
    version = info.version if isinstance(info.version, str) else None
    return Source(path, key, info.size, info.mtime_ns, etag=info.etag, version=version)
