"""The Helm chart: what it renders is valid, uses options and variables that exist, and gives pods no rights."""

import inspect
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from docs.generate.chart_page import chart_rows
from forkresize._version import __version__
from forkresize.cli.command import forkresize
from forkresize.cli.options.catalog import PANELS
from forkresize.cluster.app import VISIBILITY_TIMEOUT
from forkresize.cluster.signing import KEY_VARIABLE
from forkresize.daemon.command import commands
from forkresize.gateway import server
from forkresize.gateway.runs.supervisor import Policy
from tests.browser import find_npm_package
from tests.deploy.charts import CHART, REFUSED, ROOT, VERSIONS, Document, Rendered, containers
from tests.servers.program import find_program, skip, uses

pytestmark = [*uses("chart"), pytest.mark.slow]

_CLUSTER = {"FORKRESIZE_CLUSTER": "amqp://broker/", "FORKRESIZE_LEDGER": "postgresql://database/pictures"}

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


def test_pods_have_no_rights(chart: Rendered) -> None:
    seen = 0
    for _, pod, container in containers(chart.all_documents()):
        seen += 1
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
        context = container["securityContext"]
        assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
    assert seen > 10
    accounts = [each for each in chart.all_documents() if each["kind"] == "ServiceAccount"]
    assert {each["automountServiceAccountToken"] for each in accounts} == {False}
    assert {each["kind"] for each in chart.all_documents()} & {"Secret", "Role", "ClusterRole"} == set()


def test_all_options_exist_and_are_accepted(chart: Rendered, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _CLUSTER.items():
        monkeypatch.setenv(name, value)
    seen = set()
    for component, _, container in containers(chart.all_documents()):
        seen.add(component)
        with click.Context(commands, info_name="forkresized", auto_envvar_prefix="FORKRESIZED") as parent:
            is_batch = component.startswith("batch")
            # The images have entry points.
            assert "command" not in container
            command: click.Command | None = forkresize if is_batch else commands.get_command(parent, component)
            assert command is not None
            # It raises an exception for an unknown option, and for a value that is not accepted.
            command.make_context(component, [*container["args"]], parent=None if is_batch else parent).close()
    assert seen == {"gateway", "node", "batch-nightly", "batch-alone", "batch-one"}


def test_all_variables_exist(chart: Rendered) -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "forkresize").rglob("*.py"))
    own = {entry["name"] for _, _, container in containers(chart.documents("minimal")) for entry in container["env"]}
    # Python's tempfile reads the first.
    assert own == {"TMPDIR", "XDG_STATE_HOME"}
    assert '"XDG_STATE_HOME"' in sources
    texts = [CHART / "values.yaml", *CHART.rglob("*.yaml"), *CHART.rglob("*.tpl"), ROOT / "docs/howto/kubernetes.md"]
    named = {name for path in texts for name in re.findall(r"\bFORKRESIZED?_[A-Z_]*[A-Z]\b", path.read_text())}
    assert {"FORKRESIZE_CLUSTER", "FORKRESIZED_GATEWAY_RATE_LIMIT_STORE"} <= named
    assert named <= {*_variables()}


def _variables() -> Iterator[str]:
    """Yield the environment variables of all options."""
    yield KEY_VARIABLE
    yield from (option.variable for options in PANELS.values() for option in options if option.variable)
    with commands.make_context("forkresized", [], resilient_parsing=True) as parent:
        for name in commands.list_commands(parent):
            command = commands.get_command(parent, name)
            for param in command.params if command else ():
                fallback = f"FORKRESIZED_{name}_{param.name}".upper()
                yield param.envvar if isinstance(param.envvar, str) else fallback


def test_pods_have_the_time_that_the_programs_take_to_end(chart: Rendered) -> None:
    for component, pod, container in containers(chart.all_documents()):
        grace = pod["terminationGracePeriodSeconds"]
        if component == "gateway":
            timeout = next(int(arg[10:-1]) for arg in container["args"] if arg.startswith("--timeout="))
            drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            batches = inspect.signature(Policy).parameters["grace"].default
            # Some seconds more are for pictures to be put and recorded, and for traces.
            assert grace >= drain + timeout + server._GRACE + batches + 10  # noqa: SLF001 -- no program needs it.
        elif component == "node":
            # Redis delivers a message again after this time, since the longest chunk takes less.
            assert grace > VISIBILITY_TIMEOUT


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


def test_alerts_and_dashboards_are_those_beside_the_chart(chart: Rendered) -> None:
    (rules,) = chart.documents("full", "PrometheusRule")
    files = [ROOT / f"deploy/prometheus/forkresize-{name}.rules.yml" for name in ("cluster", "gateway")]
    assert rules["spec"]["groups"] == [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    dashboards = next(each for each in chart.documents("full", "ConfigMap") if "dashboards" in each["metadata"]["name"])
    for name, text in dashboards["data"].items():
        assert json.loads(text) == json.loads((ROOT / "deploy/grafana" / name).read_text())
    assert len(dashboards["data"]) == 2


def test_every_pod_has_a_network_policy_that_names_what_it_reaches(chart: Rendered) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in chart.documents("full", "NetworkPolicy")}
    labels = [
        template["metadata"]["labels"]
        for each in chart.documents("full")
        if (template := each.get("spec", {}).get("jobTemplate", each).get("spec", {}).get("template"))
    ]
    assert len(labels) == len(policies) == 4
    for spec in policies.values():
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert sum(spec["podSelector"]["matchLabels"].items() <= each.items() for each in labels) == 1
    reached = {name: sorted(_ports(spec["egress"])) for name, spec in policies.items()}
    assert reached["web-node"] == reached["web-batch-nightly"] == [53, 53, 443, 5432, 5671, 5672]
    assert reached["web-gateway"] == reached["web-node"]
    assert reached["web-batch-alone"] == [53, 53, 443]
    assert sorted(_ports(policies["web-gateway"]["ingress"])) == ["http", "metrics"]
    assert [*_ports(policies["web-node"]["ingress"])] == ["metrics"]
    assert "ingress" not in policies["web-batch-nightly"]
    for each in chart.documents("s3 none True True", "NetworkPolicy"):
        # Without Prometheus, nothing reaches nodes and batches.
        assert ("ingress" in each["spec"]) == (each["metadata"]["name"] == "web-gateway")
    (minimal,) = chart.documents("minimal", "NetworkPolicy")
    assert sorted(_ports(minimal["spec"]["egress"])) == [53, 53, 443]


def _ports(rules: list[Document]) -> Iterator[Any]:
    return (port["port"] for rule in rules for port in rule["ports"])


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


def test_notes_name_pods_that_exist(chart: Rendered) -> None:
    notes = chart.cases["full"]["notes"]
    names = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in chart.documents("full")}
    named = {*re.findall(r"\b(?:deployment|cronjob)/[\w-]+", notes)}
    assert len(named) == 4
    assert named <= names
    assert "forkresized status" in notes
