"""Values of the Helm chart for tests, and what is rendered from them."""

import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.servers.program import find_program

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/chart"
CHAOS = ROOT / "deploy/chaos"

VERSIONS = ("1.30", "1.35", "1.37")
"""Of Kubernetes: the oldest that the chart accepts, and those that are maintained."""

DIGEST = f"sha256:{'0123456789abcdef' * 4}"

Values = dict[str, Any]
Document = dict[str, Any]

_STORES: dict[str, tuple[str, Values]] = {
    "s3": ("s3://photos", {"secret": "aws"}),
    "gs": ("gs://photos", {}),
    "az": ("az://photos", {"env": {"AZURE_STORAGE_ACCOUNT_NAME": "pictures"}}),
    "volume": (
        "/srv/photos",
        {
            "volumes": [{"name": "photos", "persistentVolumeClaim": {"claimName": "photos"}}],
            "volumeMounts": [{"name": "photos", "mountPath": "/srv/photos"}],
        },
    ),
}

_TRIGGERS: dict[str, Values] = {
    "none": {"enabled": False},
    "rabbitmq": {"enabled": True, "trigger": "rabbitmq", "secret": "keda"},
    "redis": {"enabled": True, "trigger": "redis", "redis": {"address": "redis:6379", "database": 1}},
    "postgresql": {"enabled": True, "trigger": "postgresql", "secret": "keda", "minReplicas": 1},
}

_CLIENTS = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]

MINIMAL: Values = {
    "gateway": {"roots": {"photos": "s3://photos"}, "keySecret": "urls"},
    "networkPolicy": {"clients": _CLIENTS},
}
"""What has to be set."""

FULL: Values = {
    "image": {"digests": dict.fromkeys(("command", "node", "gateway"), DIGEST), "pullSecrets": ["registry"]},
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/pictures"}},
    "env": {"AWS_REGION": "eu-central-1"},
    "clusterKeySecret": "cluster",
    "gateway": {
        "roots": {"photos": "s3://photos"},
        "keySecret": "urls",
        "apiKeysSecret": "callers",
        "secret": "gateway",
        "presets": {"thumb": '[[renditions]]\nsize = "120x120"\nformat = "webp"\n'},
        "presetsOnly": True,
        "store": "s3://made",
        "destinations": {"web": "s3://web"},
        "trustedProxies": ["10.0.0.0/8"],
        "arguments": ["--max-age", "24h"],
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls"},
        "priorityClassName": "web",
    },
    "node": {
        "enabled": True,
        "allow": ["s3://photos", "s3://web"],
        "secret": "node",
        "arguments": ["--max-tasks", "1000"],
        "autoscaling": _TRIGGERS["rabbitmq"],
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
    },
    "batches": [
        {
            "name": "nightly",
            "schedule": "17 3 * * *",
            "timeZone": "Europe/Berlin",
            "source": "s3://photos",
            "destination": "s3://web",
            "arguments": ["--width", "800", "--format", "webp"],
            "onCluster": True,
            "secret": "client",
        },
        {"name": "alone", "schedule": "@daily", "source": "s3://photos", "destination": "s3://thumbs"},
    ],
    "monitoring": {"enabled": True, "labels": {"release": "prometheus"}, "dashboards": {"enabled": True}},
    "networkPolicy": {"clients": _CLIENTS, "broker": {"to": [{"podSelector": {"matchLabels": {"app": "rabbitmq"}}}]}},
}
"""Nearly everything that can be set."""

VARIABLES: Values = {
    **MINIMAL,
    "env": {"A": "true", "B": 100000000, "C": 0.5, "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/secrets/token"},
    "gateway": {**MINIMAL["gateway"], "env": {"A": False, "D": "1e8", "E": "https://user@proxy:3128"}},
}
"""Variables of all types; one is that of all pods, and another of gateways."""

RUNBOOKS = "https://wiki.example.com/forkresize/alerts.html"
"""Where the page of the alerts is."""

NAMES = {"long": "a" * 46 + "-" + "b" * 6}
"""Of releases, by cases; the longest that Helm accepts."""

REFUSED: dict[str, tuple[Values, str]] = {
    "nothing": ({}, "gateway.roots: name at least one place"),
    "unsigned by mistake": ({"gateway": {"roots": {"photos": "s3://photos"}}}, "gateway.keySecret: name the Secret"),
    "signed and unsigned": (
        {"gateway": {**MINIMAL["gateway"], "unsigned": True}},
        "gateway.unsigned: there are keys of signed URLs in gateway.keySecret",
    ),
    "open to all": ({"gateway": MINIMAL["gateway"]}, "networkPolicy.clients: name who may send requests"),
    "misspelled": ({**MINIMAL, "gateway": {**MINIMAL["gateway"], "replica": 3}}, "replica"),
    "misspelled on top": ({**MINIMAL, "nodes": {"enabled": True}}, "nodes"),
    "of a wrong type": ({**MINIMAL, "node": {"workers": "four"}}, "/node/workers"),
    "a password": ({**MINIMAL, "env": {"PGPASSWORD": "secret"}}, "invalid propertyName 'PGPASSWORD'"),
    "a password in a URL": (
        {**MINIMAL, "node": {"env": {"ALL_PROXY": "http://user:secret@proxy:3128"}}},
        "/node/env/ALL_PROXY",
    ),
    "nodes without limits": ({**MINIMAL, "node": {"enabled": True, "secret": "node"}}, "node.allow: name what"),
    "nodes without a cluster": ({**MINIMAL, "node": {"enabled": True, "allow": ["s3://a"]}}, "node.secret: name"),
    "no way to count": (
        {
            **MINIMAL,
            "node": {"enabled": True, "allow": ["s3://a"], "secret": "node", "autoscaling": {"enabled": True}},
        },
        "node.autoscaling.secret: name the Secret with `host`",
    ),
    "an unknown Redis": (
        {
            **MINIMAL,
            "node": {
                "enabled": True,
                "allow": ["s3://a"],
                "secret": "node",
                "autoscaling": {"enabled": True, "trigger": "redis"},
            },
        },
        "node.autoscaling.redis.address: name host and port",
    ),
    "more gateways than the most": (
        {**MINIMAL, "gateway": {**MINIMAL["gateway"], "replicas": 11}},
        "gateway.replicas: 11 are more than gateway.autoscaling.maxReplicas, 10",
    ),
    "more nodes than the most": (
        {**MINIMAL, "node": {**FULL["node"], "autoscaling": {**_TRIGGERS["rabbitmq"], "minReplicas": 21}}},
        "node.autoscaling.minReplicas: 21 are more than node.autoscaling.maxReplicas, 20",
    ),
    "batches by HTTP without a cluster": (
        {**MINIMAL, "gateway": {**MINIMAL["gateway"], "destinations": {"web": "s3://web"}, "apiKeysSecret": "callers"}},
        "gateway.secret: name the Secret with FORKRESIZE_CLUSTER",
    ),
    "batches by HTTP for all": (
        {**MINIMAL, "gateway": {**MINIMAL["gateway"], "destinations": {"web": "s3://web"}, "secret": "gateway"}},
        "gateway.apiKeysSecret: name the Secret with the API keys",
    ),
    "two batches of a name": (
        {**MINIMAL, "batches": [FULL["batches"][1], {**FULL["batches"][1], "schedule": "@weekly"}]},
        "batches: there are two of the name alone",
    ),
    "a batch without a cluster": (
        {**MINIMAL, "batches": [{**FULL["batches"][1], "onCluster": True}]},
        "batches: alone needs a secret with FORKRESIZE_CLUSTER",
    ),
}
"""Values that are refused, and with which words."""


HOSTS = {"database": ["db.example.com"], "broker": ["10.1.2.3"], "store": ["s3.example.com", "10.0.0.0/8"]}

EXPERIMENTS: dict[str, Values] = {
    "all": {"secret": "client", "hosts": HOSTS, "image": {"digests": {"command": DIGEST}}},
    "apart": {"workflow": False, "hosts": HOSTS},
    "one": {"workflow": False, "only": ["kill-node"]},
    "no hosts": {"secret": "client"},
    "unknown": {"only": ["kill-everything"]},
    "misspelled": {"second": 3},
    "a key": {"env": {"FORKRESIZE_CLUSTER_KEY": "0" * 64}},
}
"""Values of the chart with the experiments."""


class Rendered(Struct, frozen=True):
    """What a tool made of the chart.

    Attributes:
        lint: what ``helm lint`` found.
        cases: documents, notes and error of each case.
        invalid: what is wrong in each version of Kubernetes.
    """

    lint: dict[str, Any]
    cases: dict[str, dict[str, Any]]
    invalid: dict[str, list[str]]

    def documents(self, case: str, kind: str = "") -> list[Document]:
        """Return the documents of a case, or those of a kind."""
        return [each for each in self.cases[case]["documents"] if kind in {"", each["kind"]}]

    def all_documents(self) -> list[Document]:
        """Return the different documents of all cases."""
        found = {json.dumps(each): each for case in self.cases.values() for each in case["documents"]}
        return [*found.values()]


def make_cases() -> dict[str, Values]:
    """Return values by names: all combinations of stores, triggers, autoscaling and Ingress; and special ones."""
    parts = itertools.product(_STORES, _TRIGGERS, (True, False), (True, False))
    combined = {
        f"{store} {trigger} {scaled} {ingress}": _combine(store, trigger, is_scaled=scaled, has_ingress=ingress)
        for store, trigger, scaled, ingress in parts
    }
    refused = {name: values for name, (values, _) in REFUSED.items()}
    runbooks = {**FULL, "monitoring": {**FULL["monitoring"], "runbooks": RUNBOOKS}}
    named = {"full": FULL, "long": FULL, "minimal": MINIMAL, "variables": VARIABLES, "runbooks": runbooks}
    return {**named, **combined, **refused}


def _combine(store: str, trigger: str, *, is_scaled: bool, has_ingress: bool) -> Values:
    url, more = _STORES[store]
    allow = url if "://" in url else f"file://{url}"
    node = {"enabled": True, "allow": [allow], "autoscaling": _TRIGGERS[trigger], **more, "secret": "node"}
    return {
        "gateway": {
            "roots": {"photos": url},
            "unsigned": True,
            "autoscaling": {"enabled": is_scaled},
            "ingress": {"enabled": has_ingress},
            **more,
        },
        "node": node,
        "batches": [{"name": "one", "schedule": "@daily", "source": url, "destination": f"{url}/web", **more}],
        "networkPolicy": {"clients": _CLIENTS, "enabled": is_scaled, "prometheus": []},
    }


def find_ops_python() -> str:
    """Return the interpreter that has Helm; skips the test, or fails it, without one."""
    program = find_program("kubernetes-validate", "helm-python-sdk and kubernetes-validate from PyPI")
    return os.path.join(os.path.dirname(os.path.realpath(program)), "python")


def render(chart: Path, cases: dict[str, Values]) -> Rendered:
    """Render a chart."""
    order = {"chart": str(chart), "cases": cases, "names": NAMES, "versions": VERSIONS}
    script = Path(__file__).parent / "render_chart.py"
    command = [find_ops_python(), str(script)]
    result = subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=False, timeout=110)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return Rendered(**json.loads(result.stdout))


def containers(documents: list[Document]) -> Iterator[tuple[str, Document, Document]]:
    """Yield the component, the pod's specification and the container of each workload."""
    for document in documents:
        template = document.get("spec", {}).get("jobTemplate", document).get("spec", {}).get("template")
        if template is not None:
            (container,) = template["spec"]["containers"]
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["spec"], container
