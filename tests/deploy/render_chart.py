"""Render a Helm chart and validate what results. Needs helm-python-sdk and kubernetes-validate, not forkresize.

Reads an object from standard input: the chart's folder, the values of each case by its name, names of releases by
cases, and versions of Kubernetes. Writes one: what lint found, for each case the documents and notes or the error, and
what is invalid in each version.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import helm_python
import kubernetes_validate
import yaml

_GROUPS = {"v1", "apps", "autoscaling", "batch", "networking.k8s.io", "policy"}
"""Those of Kubernetes itself; the others are of operators."""


def main() -> None:
    """Render all cases, and validate each document once."""
    order = json.load(sys.stdin)
    lint = helm_python.lint(order["chart"], next(iter(order["cases"].values())), strict=True)
    with helm_python.Chart.load(order["chart"]) as chart:
        names = order["names"]
        cases = {case: render(chart, values, names.get(case, "web")) for case, values in order["cases"].items()}
    different = {json.dumps(each, sort_keys=True): each for case in cases.values() for each in case["documents"]}
    found = {version: list(find_faults(version, [*different.values()])) for version in order["versions"]}
    json.dump({"lint": lint, "cases": cases, "invalid": found}, sys.stdout)


def render(chart: Any, values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the documents of a case, its notes, and why it is refused."""
    try:
        files = chart.render(values, name=name, namespace="pictures")
    except helm_python.HelmError as error:
        return {"documents": [], "notes": "", "error": str(error)}
    texts = {path: text for path, text in files.items() if path.endswith(".yaml")}
    documents = [each for text in texts.values() for each in yaml.load_all(text, yaml.CSafeLoader) if each]
    return {"documents": documents, "notes": files.get(f"{chart.name}/templates/NOTES.txt", ""), "error": ""}


def find_faults(version: str, documents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with documents of Kubernetes itself in one of its versions."""
    for document in documents:
        if document["apiVersion"].partition("/")[0] not in _GROUPS:
            continue
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{document['kind']} {document['metadata']['name']}: {error.message} in {list(error.path)}"


if __name__ == "__main__":
    main()
