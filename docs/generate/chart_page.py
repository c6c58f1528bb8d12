"""What the Helm charts declare, in Markdown: the values, from the comments beside them, and the experiments."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from docs.generate.tables import make_table

CHART_PAGE = "reference/chart.md"

_DEPLOY = Path(__file__).parents[2] / "deploy"

_INTRODUCTION = """\
# Values of the Helm chart

The values of [the chart](../../deploy/chart/values.yaml), and their defaults. [On Kubernetes](../howto/kubernetes.md)
shows how it is used.
`values.schema.json` refuses other names and types.
"""

_LINE = re.compile(r"( *)(\w+):(?: |$)")


def chart_page() -> str:
    """Return the page."""
    rows = [(f"`{name}`", f"`{default}`" if default else "", text) for name, (default, text) in chart_rows()]
    return f"{_INTRODUCTION}\n{make_table(('value', 'default', 'meaning'), rows)}\n"


def chart_rows() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name of each value, with its default as JSON and its meaning; both may be empty."""
    text = (_DEPLOY / "chart/values.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    comments: list[str] = []
    path: list[str] = []
    row: list[str] | None = None
    for line in text.splitlines():
        if line.lstrip().startswith("# "):
            comments.append(line.strip()[2:])
            continue
        if found := _LINE.match(line):
            path = [*path[: len(found[1]) // 2], found[2]]
            inside = row is not None and path[: len(row)] == row and len(path) > len(row)
            if not inside:
                default = _look_up(values, path)
                is_row = bool(comments) or not isinstance(default, dict)
                row = path if is_row else None
                if is_row:
                    yield ".".join(path), (_show(default), " ".join(comments))
        comments = []


def _look_up(values: Any, path: list[str]) -> Any:
    for name in path:
        values = values[name]
    return values


def _show(default: object) -> str:
    return json.dumps(default) if default not in ("", [], {}) else ""


def experiments_table() -> str:
    """Return the table of the chaos experiments."""
    experiments = yaml.safe_load((_DEPLOY / "chaos/files/experiments.yaml").read_text(encoding="utf-8"))
    return make_table(
        ("experiment", "what is disturbed", "hypothesis", "in `chaos_cluster.py`"), map(_row, experiments)
    )


def _row(experiment: Mapping[str, Any]) -> tuple[str, ...]:
    component, mode = experiment["component"], experiment["mode"]
    pods = "the batch" if component == "disturbed" else f"a {component}" if mode == "one" else f"all {component}s"
    action = experiment["spec"].get("action") or next(iter(experiment["spec"].get("stressors", ("time",))))
    hosts = f" and the {', the '.join(experiment['hosts'])}" if "hosts" in experiment else ""
    twin = "" if experiment["twin"] == "none" else f"`{experiment['twin']}`"
    what = f"{pods}{hosts}: {experiment['kind']}, {action}"
    return f"`{experiment['name']}`", what, experiment["hypothesis"], twin
