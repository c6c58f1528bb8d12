"""The pods of the Helm chart: their rights, command lines, variables, images and networks."""

import json
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest

from forkresize.cli.command import forkresize
from forkresize.cli.options.catalog import PANELS
from forkresize.cluster.signing import KEY_VARIABLE
from forkresize.daemon.command import commands
from tests.deploy.charts import CHART, ROOT, Document, Rendered, containers
from tests.deploy.daemon_options import parse_daemon
from tests.deploy.ending import find_gateway_time, find_picture_time, read_time_limit
from tests.servers.program import uses

pytestmark = [*uses("chart"), pytest.mark.slow]

_CLUSTER = {"FORKRESIZE_CLUSTER": "amqp://broker/", "FORKRESIZE_LEDGER": "postgresql://database/pictures"}


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
        # With a root that cannot be written, listings and records need a place.
        (volume,) = [each["name"] for each in container["volumeMounts"] if each["mountPath"] == "/tmp"]  # noqa: S108 -- in pods.
        assert [each["emptyDir"] for each in pod["volumes"] if each["name"] == volume] == [{"sizeLimit": "2Gi"}]
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


def test_variables_keep_their_values_and_those_of_a_component_have_priority(chart: Rendered) -> None:
    ((_, _, container),) = containers(chart.documents("variables"))
    found = {
        entry["name"]: entry["value"] for entry in container["env"] if entry["name"] not in {"TMPDIR", "XDG_STATE_HOME"}
    }
    assert found == {
        "A": "false",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/secrets/token",
        "B": "100000000",
        "C": "0.5",
        "D": "1e8",
        "E": "https://user@proxy:3128",
    }


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
    seen = set()
    for component, pod, container in containers(chart.all_documents()):
        seen.add(component.partition("-")[0])
        grace = pod["terminationGracePeriodSeconds"]
        if component == "gateway":
            drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert grace >= drain + find_gateway_time(parse_daemon(["gateway", *container["args"]], _CLUSTER))
        elif component == "node":
            assert grace >= find_picture_time(parse_daemon(["node", *container["args"]], _CLUSTER)["timeout"])
        else:
            assert grace >= find_picture_time(read_time_limit(container["args"]))
    assert seen == {"gateway", "node", "batch"}


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


def test_images_are_those_that_are_built_and_run_what_the_arguments_are_for(chart: Rendered, chaos: Rendered) -> None:
    dockerfile = (ROOT / "deploy/container/Dockerfile").read_text()
    stages = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", dockerfile, re.MULTILINE | re.DOTALL))
    bake = (ROOT / "deploy/container/docker-bake.hcl").read_text()
    programs = {
        "gateway": ["forkresized", "gateway"],
        "node": ["forkresized", "node"],
        "command": ["forkresize"],
    }
    seen = set()
    for component, pod, container in containers(chart.documents("full") + chaos.documents("all")):
        name = container["image"].partition("@")[0].rpartition("/")[2]
        seen.add(name)
        assert name == ("command" if component.startswith(("batch", "disturbed")) else component)
        assert f'"${{REGISTRY}}/{name}:' in bake
        (entry,) = re.findall(r"^ENTRYPOINT (.*)$", stages[name], re.MULTILINE)
        assert json.loads(entry) == ["tini", "--", *programs[name]]
        user, group = pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
        assert f"USER {user}:{group}" in stages["runtime"]
    assert seen == programs.keys()
