"""The chaos experiments: valid, aimed at pods and files that exist, and related to the benchmark that runs here."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from benchmarks.chaos_cluster import Monkey
from forkresize.cli.command import forkresize
from forkresize.cluster.database.chunks import LEASE_SECONDS
from forkresize.cluster.signing import KEY_VARIABLE
from forkresize.ledger.postgres.database import Timeouts
from tests.cluster.lab import draw_jpeg
from tests.deploy.chaos_mesh import KINDS, Experiment, IOChaos, NetworkChaos, StressChaos, Workflow
from tests.deploy.charts import CHAOS, CHART, HOSTS, ROOT, Document, Rendered, containers
from tests.servers.program import uses

pytestmark = [*uses("chart"), pytest.mark.slow]

EXPERIMENTS = yaml.safe_load((CHAOS / "files/experiments.yaml").read_text())
VALUES = yaml.safe_load((CHAOS / "values.yaml").read_text())

_MEMORY = {"4GB": "4Gi"}


@pytest.fixture(scope="module")
def workflow(chaos: Rendered) -> Workflow:
    (document,) = chaos.documents("all", "Workflow")
    return msgspec.convert(document["spec"], Workflow)


def _name(experiment: Document) -> str:
    return str(experiment["name"])


def test_the_chart_is_valid(chaos: Rendered) -> None:
    assert chaos.lint["errors"] == []
    assert {version: found for version, found in chaos.invalid.items() if found} == {}
    assert [chaos.cases[name]["error"] for name in ("all", "apart", "one")] == ["", "", ""]
    assert "hosts.database: name what freeze-node cuts nodes off from" in chaos.cases["no hosts"]["error"]
    assert 'only: unknown experiment "kill-everything"; use kill-node,' in chaos.cases["unknown"]["error"]
    assert "additional properties 'second' not allowed" in chaos.cases["misspelled"]["error"]
    assert f"invalid propertyName '{KEY_VARIABLE}'" in chaos.cases["a key"]["error"]


def test_a_batch_for_nodes_with_a_key_is_described() -> None:
    # The variable of its Secret that nodes with a key ask for.
    assert KEY_VARIABLE in (CHAOS / "values.yaml").read_text()


def test_variables_are_those_that_the_other_chart_accepts() -> None:
    schemas = [json.loads((folder / "values.schema.json").read_text()) for folder in (CHART, CHAOS)]
    assert schemas[1]["properties"]["env"] == schemas[0]["definitions"]["variables"]


def test_the_workflow_runs_all_experiments_in_turn_and_then_the_check(workflow: Workflow) -> None:
    templates = {template.name: template for template in workflow.templates}
    assert templates.keys() == {"all", "pause", "check", *map(_name, EXPERIMENTS)}
    order = [part for experiment in EXPERIMENTS for part in (experiment["name"], "pause")]
    assert (workflow.entry, templates["all"].children) == ("all", [*order, "check"])
    assert [template.experiment is not None for template in workflow.templates].count(True) == len(EXPERIMENTS)
    for experiment in EXPERIMENTS:
        assert templates[experiment["name"]].template_type == experiment["kind"]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=_name)
def test_an_experiment_alone_has_its_hypothesis(chaos: Rendered, workflow: Workflow, experiment: Document) -> None:
    (document,) = [each for each in chaos.documents("apart") if each["metadata"]["name"] == f"web-{experiment['name']}"]
    assert document["metadata"]["annotations"]["forkresize/hypothesis"] == experiment["hypothesis"]
    alone = msgspec.convert(document["spec"], KINDS[document["kind"]])
    (template,) = [each for each in workflow.templates if each.name == experiment["name"]]
    if document["kind"] != "PodChaos":
        # The step of the workflow ends it.
        assert alone.duration == template.deadline
        alone.duration = None
    assert alone == template.experiment


def test_experiments_reach_pods_containers_and_directories_of_the_chart(
    chart: Rendered, chaos: Rendered, workflow: Workflow
) -> None:
    pods = {component: (pod, container) for component, pod, container in containers(chart.documents("full"))}
    pods |= {component: (pod, container) for component, pod, container in containers(chaos.documents("all"))}
    labels = [each for rendered, case in ((chart, "full"), (chaos, "all")) for each in _labels(rendered, case)]
    for template in workflow.templates:
        if (experiment := template.experiment) is None:
            continue
        wanted = experiment.selector.label_selectors
        assert sum(wanted.items() <= each.items() for each in labels) == 1
        _, container = pods[wanted["app.kubernetes.io/component"]]
        assert {*experiment.container_names} <= {container["name"]}
        _check_details(experiment, container)


def _labels(rendered: Rendered, case: str) -> list[dict[str, str]]:
    templates = [each.get("spec", {}).get("template") for each in rendered.documents(case)]
    return [each["metadata"]["labels"] for each in templates if each]


def _check_details(experiment: Experiment, container: Document) -> None:
    if isinstance(experiment, IOChaos):
        assert experiment.volume_path in {each["mountPath"] for each in container["volumeMounts"]}
    if isinstance(experiment, StressChaos) and experiment.stressors.memory is not None:
        # As much as the pod may take, together with what it has.
        assert _MEMORY[experiment.stressors.memory.size] == container["resources"]["limits"]["memory"]
    if isinstance(experiment, NetworkChaos):
        assert {*experiment.external_targets} <= {host for hosts in HOSTS.values() for host in hosts}


def test_times_are_those_that_the_hypotheses_need(workflow: Workflow) -> None:
    times = {
        template.name: int(template.deadline.rstrip("s")) for template in workflow.templates if template.experiment
    }
    assert times["freeze-node"] > LEASE_SECONDS + 15
    assert times["cut-database"] < Timeouts().retry
    assert times["cut-store"] < 120


def test_disturbances_of_the_benchmark_have_an_experiment_or_a_reason() -> None:
    local = {name for name in vars(Monkey) if re.match("(kill|freeze|restart|fail)_", name)}
    twins = {each["twin"] for each in EXPERIMENTS} - {"none"}
    assert len(local) == 8
    assert twins <= local
    page = (ROOT / "docs/howto/chaos.md").read_text()
    assert all(f"`{name}`" in page for name in local - twins)


def test_batch_and_check_have_command_lines_that_are_accepted(chaos: Rendered, workflow: Workflow) -> None:
    (job,) = chaos.documents("all", "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    forkresize.make_context("forkresize", [*container["args"]]).close()
    (check,) = [template for template in workflow.templates if template.name == "check"]
    assert check.task is not None
    assert check.task.container["args"] == [
        *(VALUES[name] for name in ("source", "disturbed", "calm")),
        *VALUES["arguments"],
    ]
    for each in (container, check.task.container):
        assert each["securityContext"]["readOnlyRootFilesystem"] is True
        assert each["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert each["envFrom"] == [{"secretRef": {"name": "client"}}]
    (volume,) = [each for each in check.task.volumes if each["name"] == "check"]
    (scripts,) = chaos.documents("all", "ConfigMap")
    assert volume["configMap"]["name"] == scripts["metadata"]["name"]
    assert scripts["data"]["check.py"] == (CHAOS / "files/check.py").read_text()
    assert check.task.container["command"][-1] == "/check/check.py"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A source with pictures, and two destinations."""
    found = {name: tmp_path / name for name in ("source", "disturbed", "calm")}
    for folder in found.values():
        folder.mkdir()
    for number in range(3):
        (found["source"] / f"{number}.jpg").write_bytes(draw_jpeg(number))
    return found


def _check(places: dict[str, Path]) -> tuple[int, str]:
    urls = [places[name].as_uri() for name in ("source", "disturbed", "calm")]
    command = [sys.executable, str(CHAOS / "files/check.py"), *urls, "--width", "40"]
    # The image has the command beside the interpreter.
    env = {"PATH": str(Path(sys.executable).parent), "XDG_STATE_HOME": str(places["source"].parent / "state")}
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env)
    return result.returncode, result.stdout


def test_the_check_completes_a_disturbed_batch_and_finds_nothing_wrong(places: dict[str, Path]) -> None:
    assert _check(places) == (0, "nothing is wrong\n")
    (places["disturbed"] / "1.jpg").unlink()
    assert _check(places) == (0, "nothing is wrong\n")
    assert (places["disturbed"] / "1.jpg").exists()


def test_the_check_names_what_is_wrong(places: dict[str, Path]) -> None:
    assert _check(places)[0] == 0
    shutil.copy(places["source"] / "0.jpg", places["disturbed"] / "more.jpg")
    (places["calm"] / "9.jpg").write_bytes(b"")
    left = places["disturbed"] / ".forkresize/runs/7"
    left.mkdir(parents=True)
    (left / "1.jsonl.gz").write_bytes(b"")
    (places["source"] / "damaged.jpg").write_bytes(draw_jpeg(1)[:300])
    code, text = _check(places)
    assert code == 1
    for expected in (
        "ended with 1",
        "missing: 1 files, such as 9.jpg",
        "added: 1 files, such as more.jpg",
        "left behind",
    ):
        assert expected in text
