"""The alerts and the dashboards ask for what there is, and Prometheus understands them."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import pytest

from forkresize.batch.remote.renderer import Renderer
from forkresize.cluster.database.overview import Overview
from forkresize.cluster.metrics import ClusterMetrics
from forkresize.cluster.node.metrics import NodeMetrics
from forkresize.gateway.metrics import GatewayMetrics
from forkresize.gateway.pictures import Pictures
from forkresize.gateway.roots import Roots
from forkresize.gateway.settings import GatewaySettings
from forkresize.pool import PoolOptions
from forkresize.report.export.metrics import MetricsFile
from forkresize.summary import ExecutorStats
from tests.protocols import MakeOutcome
from tests.servers.program import find_program

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = sorted(DEPLOY.glob("prometheus/*.rules.yml"))
TESTS = sorted(DEPLOY.glob("prometheus/*.test.yml"))
DASHBOARDS = sorted(DEPLOY.glob("grafana/*.json"))

SERIES = ("", "_total", "_bucket", "_count", "_sum")


@cache
def find_metrics() -> frozenset[str]:
    """Return the names of the metrics of gateways, nodes and clusters, with what is added to them."""
    gateway, node = GatewayMetrics(), NodeMetrics()
    settings = GatewaySettings(roots={"photos": "."})
    roots = Roots(settings.roots, settings.stores, 1)
    pictures = Pictures(settings, lambda: Renderer(PoolOptions()), roots)
    gateway.follow(pictures)
    # Their names do not depend on what they follow.
    runs = SimpleNamespace(settings=SimpleNamespace(cluster=None), running=0, ended={})
    gateway.follow_runs(cast("Any", runs))
    recorder = SimpleNamespace(waiting=0, lag=0.0)
    gateway.follow_derivatives(cast("Any", SimpleNamespace(recorder=recorder, pending_bytes=0)))
    node.follow(lambda: ExecutorStats(workers=1), list, bool)
    cluster = ClusterMetrics("postgresql://127.0.0.1/none")
    cluster._database.overview = lambda: Overview(  # type: ignore[method-assign]  # noqa: SLF001 -- without a server.
        runs={}, chunks={}, nodes={}, messages=0, oldest_pending=0.0, oldest_lease=0.0, shortest_lease=1.0
    )
    families = [*gateway.registry.collect(), *node.registry.collect(), *cluster.collect()]
    pictures.close()
    roots.close()
    return frozenset(f"{family.name}{end}" for family in families for end in SERIES)


def test_every_metric_of_runs_that_is_asked_for_is_there(tmp_path: Path, written: MakeOutcome) -> None:
    with MetricsFile(str(tmp_path / "a.prom")) as metrics:
        metrics.on_outcome(written())
    there = set(re.findall(r"^(forkresize_\w+)\{", (tmp_path / "a.prom").read_text(), re.MULTILINE))
    for file in (DEPLOY / "prometheus/forkresize.rules.yml", DEPLOY / "grafana/forkresize.json"):
        asked = set(re.findall(r"forkresize_\w+", file.read_text("utf-8")))
        assert len(asked) >= 3
        assert asked <= there


@pytest.mark.parametrize(
    "file", [file for file in (*RULES, *DASHBOARDS) if "-" in file.name], ids=lambda file: file.name
)
def test_every_metric_of_gateways_and_nodes_that_is_asked_for_is_there(file: Path) -> None:
    asked = set(re.findall(r"forkresize_\w+", file.read_text("utf-8")))
    assert len(asked) >= 5
    assert asked - find_metrics() == set()


def run_promtool(*arguments: str | Path) -> None:
    """Run promtool, which must accept the files."""
    command = [find_program("promtool", "prometheus"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_accepts_the_alerts() -> None:
    assert len(RULES) == 3
    run_promtool("check", "rules", *RULES)


def test_alerts_fire_when_they_should() -> None:
    assert [file.name.partition(".")[0] for file in TESTS] == [file.name.partition(".")[0] for file in RULES]
    run_promtool("test", "rules", *TESTS)
    for rules, tests in zip(RULES, TESTS, strict=True):
        alerts = set(re.findall(r"- alert: (\w+)", rules.read_text("utf-8")))
        fired = re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", tests.read_text("utf-8"))
        assert alerts == set(fired)


def test_every_alert_is_in_the_table_of_alerts() -> None:
    page = (DEPLOY.parent / "docs/howto/monitoring.md").read_text("utf-8")
    for rules in RULES:
        alerts = set(re.findall(r"- alert: (\w+)", rules.read_text("utf-8")))
        assert {alert for alert in alerts if alert not in page} == set()


def test_every_alert_leads_to_what_is_to_be_done_and_nothing_else_is_there() -> None:
    alerts = [alert for rules in RULES for alert in re.split(r"- alert: ", rules.read_text("utf-8"))[1:]]
    names = [alert.split()[0] for alert in alerts]
    links = [re.findall(r"runbook: (\S+)#(\w+)\n", alert) for alert in alerts]
    assert links == [[("docs/howto/alerts.md", name.lower())] for name in names]
    page = (DEPLOY.parent / "docs/howto/alerts.md").read_text("utf-8")
    entries = dict(re.findall(r"^### (\w+)\n\n(.+)", page, re.MULTILINE))
    assert sorted(entries) == sorted(names)


def read_dashboard(file: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return dashboard


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_prometheus_understands_every_query_of_a_dashboard(file: Path) -> None:
    dashboard = read_dashboard(file)
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert len(queries) >= 5
    assert {name for query in queries for name in re.findall(r"\$(\w+)", query)} - {"__rate_interval"} <= names
    plain = [query.replace("$__rate_interval", "5m").replace("$", "") for query in queries]
    rules = [{"record": f"query:number{number}", "expr": query} for number, query in enumerate(plain)]
    with TemporaryDirectory() as folder:
        # JSON is YAML.
        path = Path(folder, "queries.yml")
        path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
        run_promtool("check", "rules", path)


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_every_panel_has_a_place_of_its_own(file: Path) -> None:
    panels = read_dashboard(file)["panels"]
    taken = [
        (column, row)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(column for column, _ in taken) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
