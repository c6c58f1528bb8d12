"""The alerts and the dashboard ask for what the metrics file has."""

import json
import re
from pathlib import Path

import pytest

from forkresize.report.export.metrics import MetricsFile
from tests.protocols import MakeOutcome

DEPLOY = Path(__file__).parents[2] / "deploy"
ASKING = [DEPLOY / "prometheus/forkresize.rules.yml", DEPLOY / "grafana/forkresize.json"]


@pytest.mark.parametrize("file", ASKING, ids=lambda file: file.name)
def test_every_metric_that_is_asked_for_is_there(file: Path, tmp_path: Path, written: MakeOutcome) -> None:
    with MetricsFile(str(tmp_path / "a.prom")) as metrics:
        metrics.on_outcome(written())
    there = set(re.findall(r"^(forkresize_\w+)\{", (tmp_path / "a.prom").read_text(), re.MULTILINE))
    asked = set(re.findall(r"forkresize_\w+", file.read_text("utf-8")))
    assert len(asked) >= 3
    assert asked <= there


def test_every_panel_has_a_place_of_its_own() -> None:
    dashboard = json.loads((DEPLOY / "grafana/forkresize.json").read_text("utf-8"))
    taken = [
        (column, row)
        for place in (panel["gridPos"] for panel in dashboard["panels"])
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(column for column, _ in taken) < 24
