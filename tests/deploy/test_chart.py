"""The Helm chart: what it renders is valid, wrong values are refused, and a policy scan finds nothing."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate.chart_page import chart_rows
from forkresize._version import __version__
from tests.browser import find_npm_package
from tests.deploy.charts import CHART, REFUSED, ROOT, RUNBOOKS, VERSIONS, Document, Rendered, containers
from tests.servers.program import find_program, skip, uses

pytestmark = [*uses("chart"), pytest.mark.slow]

_SCHEMA = json.loads((CHART / "values.schema.json").read_text())

_OPERATORS = ("keda.sh", "monitoring.coreos.com")

_FREE = {"metadata", "labels", "annotations", "selector", "groups"}
"""Fields whose keys are not those of a type, or whose content other tests check."""


def test_helm_finds_nothing_wrong_with_the_chart(chart: Rendered) -> None:
    found = [each["error"] for each in chart.lint["messages"]]
    assert chart.lint["errors"] == []
    assert found == ["icon is recommended"]


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid_in_a_version_of_kubernetes(chart: Rendered, version: str) -> None:
    assert len(chart.all_documents()) > 40
    assert chart.invalid[version] == []


def test_all_values_but_those_to_refuse_are_accepted(chart: Rendered) -> None:
    assert {name: case["error"] for name, case in chart.cases.items() if case["error"] and name not in REFUSED} == {}


@pytest.mark.parametrize("name", REFUSED)
def test_values_are_refused_with_a_reason(chart: Rendered, name: str) -> None:
    assert REFUSED[name][1] in chart.cases[name]["error"]


def test_resources_of_operators_are_valid(chart: Rendered) -> None:
    models = _find_models()
    resources = [each for each in chart.all_documents() if each["apiVersion"].startswith(_OPERATORS)]
    assert {each["kind"] for each in resources} == {
        "PodMonitor",
        "PrometheusRule",
        "ScaledObject",
        "TriggerAuthentication",
    }
    script = Path(__file__).parent / "validate_operators.mjs"
    command = [find_program("node", "nodejs"), str(script), str(models)]
    result = subprocess.run(
        command, input=json.dumps(resources), capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(result.stdout) == []
    # The validators do not object to further fields.
    known = {
        name
        for path in models.rglob("*.d.ts")
        if path.relative_to(models).parts[0] in {"keda", "prometheus-operator"}
        for name in re.findall(r'^ +"(\w+)"\??:', path.read_text(), re.MULTILINE)
    }
    assert {name for each in resources for name in _field_names(each["spec"])} <= known


def _find_models() -> Path:
    found = find_npm_package("@kubernetes-models")
    return found or skip("install @kubernetes-models/keda and @kubernetes-models/prometheus-operator from npm")


def _field_names(value: Any) -> Iterator[str]:
    """Yield the names of fields below a value, without those of mappings."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield key
        if key not in _FREE and not (key == "metadata" and "type" in value):
            yield from _field_names(each)
    for each in value if isinstance(value, list) else ():
        yield from _field_names(each)


def test_a_policy_scan_finds_nothing_without_a_written_reason(chart: Rendered, chaos: Rendered, tmp_path: Path) -> None:
    program = find_program("checkov", "checkov from PyPI")
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(chart.documents("full") + chaos.documents("all")))
    settings = CHART / ".checkov.yaml"
    command = [program, "-d", str(tmp_path), "--framework", "kubernetes", "--compact", "--skip-download"]
    command += ["--output", "json", "--config-file", str(settings)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    report = json.loads(result.stdout)
    failed = [
        f"{each['check_id']} {each['check_name']}: {each['resource']}" for each in report["results"]["failed_checks"]
    ]
    assert failed == []
    assert report["summary"]["passed"] > 200
    # A comment stands above each.
    text = settings.read_text()
    assert len(re.findall(r"  # .*\n  - CKV", text)) == len(yaml.safe_load(text)["skip-check"])


def test_metrics_have_the_jobs_of_the_alerts(chart: Rendered) -> None:
    (rules,) = chart.documents("full", "PrometheusRule")
    expressions = " ".join(rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"])
    monitors = chart.documents("full", "PodMonitor")
    jobs = {
        relabeling["replacement"]
        for monitor in monitors
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
        for relabeling in endpoint["relabelings"]
        if relabeling["targetLabel"] == "job"
    }
    assert jobs == {*re.findall(r'job="([^"]+)"', expressions)} == {"forkresize-gateway", "forkresize-node"}


def test_alerts_have_an_address_where_their_page_has_one(chart: Rendered) -> None:
    (usual,) = chart.documents("full", "PrometheusRule")
    (linked,) = chart.documents("runbooks", "PrometheusRule")
    paths, urls = (
        [rule["annotations"] for group in each["spec"]["groups"] for rule in group["rules"]] for each in (usual, linked)
    )
    assert paths
    for path, url in zip(paths, urls, strict=True):
        assert "runbook" not in url
        assert url["runbook_url"] == path["runbook"].replace("docs/howto/alerts.md", RUNBOOKS)


def test_alerts_and_dashboards_are_those_beside_the_chart(chart: Rendered) -> None:
    (rules,) = chart.documents("full", "PrometheusRule")
    files = [ROOT / f"deploy/prometheus/forkresize-{name}.rules.yml" for name in ("cluster", "gateway")]
    assert rules["spec"]["groups"] == [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    dashboards = next(each for each in chart.documents("full", "ConfigMap") if "dashboards" in each["metadata"]["name"])
    for name, text in dashboards["data"].items():
        assert json.loads(text) == json.loads((ROOT / "deploy/grafana" / name).read_text())
    assert len(dashboards["data"]) == 2


def test_names_in_a_release_with_a_long_name_are_short_and_different(chart: Rendered) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in chart.documents("long")]
    assert len({*names}) == len(names) == len(chart.documents("full"))
    assert max(len(name) for _, name in names) == 52
    assert {name for kind, name in names if kind == "Deployment"} == {f"{'a' * 44}-gateway", f"{'a' * 46}-node"}


def test_the_versions_are_those_of_the_package() -> None:
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert metadata["appVersion"] == metadata["version"] == __version__


def test_presets_of_the_chart_are_recipe_files(chart: Rendered) -> None:
    (presets,) = [each for each in chart.documents("full", "ConfigMap") if each["metadata"]["name"] == "web-gateway"]
    ((name, text),) = presets["data"].items()
    assert tomllib.loads(text)
    (_, _, container) = next(each for each in containers(chart.documents("full")) if each[0] == "gateway")
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == "presets"]
    assert f"--preset=thumb={mount['mountPath']}/{name}" in container["args"]


def test_every_value_has_a_description_and_a_type() -> None:
    rows = dict(chart_rows())
    paths = {*_schema_paths(_SCHEMA)} - {"global"}
    assert {name for name, (_, meaning) in rows.items() if not meaning} == set()
    assert rows.keys() == paths


def _schema_paths(schema: Document, prefix: str = "") -> Iterator[str]:
    for name, each in schema["properties"].items():
        definition = each.get("$ref", "").rpartition("/")[2]
        if definition in {"target", "resources"}:
            yield from _schema_paths(_SCHEMA["definitions"][definition], f"{prefix}{name}.")
        elif "properties" in each and name != "digests":
            yield from _schema_paths(each, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize("case", ["full", "long"])
def test_notes_name_pods_that_exist(chart: Rendered, case: str) -> None:
    notes = chart.cases[case]["notes"]
    names = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in chart.documents(case)}
    named = {*re.findall(r"\b(?:deployment|cronjob)/[\w-]+", notes)}
    assert len(named) == 4
    assert named <= names
    assert "forkresized status" in notes
