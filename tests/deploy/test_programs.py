"""A gateway and a node run with the command lines of the chart, answer its probes, and end in time."""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from forkresize.gateway.access.api_keys import create_key
from forkresize.gateway.imgproxy.signature import Signer, load_keys
from tests.cluster.lab import draw_jpeg, wait_for
from tests.deploy.charts import Document, Rendered, containers
from tests.servers.postgresql import PostgresServer
from tests.servers.program import HOST, find_free_port, uses
from tests.servers.redis import RedisServer

pytestmark = [*uses("chart"), pytest.mark.slow]

_MOUNTS = {"/run/secrets/forkresize": "secrets", "/etc/forkresize/presets": "presets"}


class _Pod:
    """A program that runs as the container of a pod would, on this machine.

    Args:
        chart: the rendered chart.
        component: gateway or node.
        folder: for its files and those of the stores.
        env: its variables.
    """

    def __init__(self, chart: Rendered, component: str, folder: Path, env: Mapping[str, str]) -> None:
        _, self.pod, self.container = next(each for each in containers(chart.documents("full")) if each[0] == component)
        self._folder = folder
        self._ports = {each["containerPort"]: find_free_port() for each in self.container["ports"]}
        self._names = {each["name"]: self._ports[each["containerPort"]] for each in self.container["ports"]}
        program = os.path.join(os.path.dirname(sys.executable), "forkresized")
        arguments = [self._translate(each) for each in self.container["args"]]
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen([program, component, *arguments], env={**os.environ, **env}, stderr=self._log)

    @property
    def log(self) -> str:
        """What it has written."""
        return (self._folder / "log").read_text(errors="replace")

    def url(self, port: str, path: str) -> str:
        """Return the URL of a path on one of its ports."""
        return f"http://{HOST}:{self._names[port]}{path}"

    def answers(self, probe: Document) -> bool:
        """Return whether a probe succeeds."""
        assert self.process.poll() is None, self.log
        request = probe["httpGet"]
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(  # noqa: S310 -- of this machine.
                self.url(request["port"], request["path"]), timeout=probe.get("timeoutSeconds", 1)
            ) as response,
        ):
            return bool(response.status == 200)
        return False

    def wait_for_probes(self) -> None:
        """Wait until all probes succeed."""
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            wait_for(partial(self.answers, self.container[name]), f"{name} succeeds: {self.log}")

    def end(self) -> tuple[int, float]:
        """Ask it to end; return its exit code, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60), time.monotonic() - began

    def close(self) -> None:
        """Kill it if it runs."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def _translate(self, argument: str) -> str:
        """Return an argument with places and ports of this machine."""
        for mount, name in _MOUNTS.items():
            argument = argument.replace(mount, str(self._folder / name))
        argument = re.sub(r"^(--allow=)s3://", rf"\1{self._folder.as_uri()}/", argument)
        argument = re.sub(r"s3://", f"{self._folder}/", argument).replace("=0.0.0.0", f"={HOST}")
        return re.sub(r"\d+$", lambda found: str(self._ports.get(int(found[0]), found[0])), argument)


@pytest.fixture
def env(redis: RedisServer, postgresql: PostgresServer) -> dict[str, str]:
    return {"FORKRESIZE_CLUSTER": redis.url, "FORKRESIZE_LEDGER": postgresql.new_database()}


@pytest.fixture
def folder(tmp_path: Path, chart: Rendered) -> Path:
    """What volumes would hold, and stores as directories."""
    for name in ("photos", "web", "made", "presets", "secrets/urls", "secrets/callers", "secrets/cluster"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "photos/a.jpg").write_bytes(draw_jpeg(1))
    (tmp_path / "secrets/urls/urls.key").write_text(f"{secrets.token_hex(32)}:{secrets.token_hex(32)}\n")
    (tmp_path / "secrets/cluster/cluster.key").write_text(secrets.token_hex(32))
    (tmp_path / "secrets/callers/api.keys").write_text(f"{create_key('web', 'reader').line}\n")
    (presets,) = [each for each in chart.documents("full", "ConfigMap") if each["metadata"]["name"] == "web-gateway"]
    for name, text in presets["data"].items():
        (tmp_path / "presets" / name).write_text(text)
    return tmp_path


@pytest.fixture
def pod(request: pytest.FixtureRequest, chart: Rendered, folder: Path, env: dict[str, str]) -> Iterator[_Pod]:
    found = _Pod(chart, request.param, folder, env)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.parametrize("pod", ["gateway"], indirect=True)
def test_a_gateway_serves_a_preset_and_ends_in_time(pod: _Pod, folder: Path) -> None:
    pod.wait_for_probes()
    signer = Signer(load_keys(str(folder / "secrets/urls/urls.key")))
    with urllib.request.urlopen(pod.url("http", signer.url("/thumb/plain/photos/a.jpg")), timeout=30) as response:  # noqa: S310
        assert response.headers["Content-Type"] == "image/webp"
    with urllib.request.urlopen(pod.url("metrics", "/metrics"), timeout=30) as response:  # noqa: S310
        assert b"forkresize_gateway_pictures_total" in response.read()
    code, seconds = pod.end()
    drain = pod.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert (code, seconds < pod.pod["terminationGracePeriodSeconds"] - drain) == (0, True), pod.log


@pytest.mark.parametrize("pod", ["node"], indirect=True)
def test_a_node_answers_probes_and_ends_in_time(pod: _Pod) -> None:
    pod.wait_for_probes()
    code, seconds = pod.end()
    assert (code, seconds < pod.pod["terminationGracePeriodSeconds"]) == (0, True), pod.log
