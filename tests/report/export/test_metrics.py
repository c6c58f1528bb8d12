"""The metrics for Prometheus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from forkresize.errors import DestinationBusyError, DestinationError, UsageError
from forkresize.outcome import Outcome, Reason
from forkresize.report.export.metrics import MetricsFile
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally
from tests.protocols import MakeOutcome

NIGHT = 1_800_000_000.0
OUTPUTS = "forkresize_outputs_total"
LAST = "forkresize_last_run_exit_code"
SUCCESS = "forkresize_last_success_timestamp_seconds"
BUCKET = "forkresize_picture_seconds_bucket"


def _samples(path: Path) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(path.read_text()):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _value(path: Path, name: str, **labels: str) -> float:
    [value] = [value for each, its, value in _samples(path) if each == name and labels.items() <= its.items()]
    return value


def _summary(exit_code: int = 0, lost: int = 0) -> Summary:
    return summarize(Tally(), RunStats(seconds=9, workers=2, workers_lost=lost), exit_code=exit_code)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "photos.prom"


def test_losses_are_counted_by_kind_across_runs(path: Path, written: MakeOutcome) -> None:
    lossy = written(warnings=("its HDR part was dropped", "reduced from 16 to 8 bits per channel", "odd"))
    for _ in range(2):
        with MetricsFile(str(path), now=lambda: NIGHT) as metrics:
            metrics.on_outcome(lossy)
            metrics.on_outcome(written("b.jpg"))
    assert _value(path, "forkresize_warnings_total", kind="hdr") == 2
    assert _value(path, "forkresize_warnings_total", kind="depth") == 2
    assert [labels["kind"] for _, labels, _ in _samples(path) if "kind" in labels] == ["depth", "hdr"]


def test_outputs_are_counted_by_status_and_reason(path: Path, outcomes: list[Outcome], written: MakeOutcome) -> None:
    with MetricsFile(str(path), now=lambda: NIGHT) as metrics:
        for outcome in (*outcomes, written("b.jpg")):
            metrics.on_outcome(outcome)
        metrics.on_finish(_summary(exit_code=1, lost=3))
    assert _value(path, OUTPUTS, status="written") == 2
    assert _value(path, OUTPUTS, status="unchanged") == 1
    assert _value(path, OUTPUTS, status="skipped", reason="not a picture") == 1
    assert _value(path, OUTPUTS, status="failed", reason="damaged or truncated") == 1
    assert _value(path, "forkresize_source_bytes_total") == 2_400_000
    assert _value(path, "forkresize_output_bytes_total") == 160_000
    assert _value(path, "forkresize_workers_lost_total") == 3
    assert _value(path, LAST) == 1
    assert _value(path, "forkresize_last_run_duration_seconds") == 9
    assert _value(path, "forkresize_last_run_timestamp_seconds") == NIGHT
    assert {labels["batch"] for _, labels, _ in _samples(path)} == {"photos"}


def test_seconds_are_counted_once_per_source(path: Path, written: MakeOutcome) -> None:
    outcome = written()
    with MetricsFile(str(path)) as metrics:
        metrics.on_outcome(outcome)
        metrics.on_outcome(outcome)  # A second rendition of the same source.
        metrics.on_outcome(written("b.jpg"))
    assert _value(path, BUCKET, le="0.05") == 0
    assert _value(path, BUCKET, le="0.1") == 2
    assert _value(path, BUCKET, le="+Inf") == 2
    assert _value(path, "forkresize_picture_seconds_sum") == pytest.approx(2 * outcome.execution.seconds)


def test_counters_continue_across_runs(path: Path, written: MakeOutcome) -> None:
    for _ in range(3):
        with MetricsFile(str(path)) as metrics:
            metrics.on_outcome(written())
            metrics.on_finish(_summary(lost=1))
    assert _value(path, OUTPUTS, status="written") == 3
    assert _value(path, BUCKET, le="0.1") == 3
    assert _value(path, "forkresize_workers_lost_total") == 3


def test_failed_run_keeps_the_time_of_the_last_success(path: Path) -> None:
    with MetricsFile(str(path), now=lambda: NIGHT) as metrics:
        metrics.on_finish(_summary())
    with MetricsFile(str(path), now=lambda: NIGHT + 60) as metrics:
        metrics.on_finish(_summary(exit_code=1))
    assert _value(path, SUCCESS) == NIGHT
    with pytest.raises(UsageError), MetricsFile(str(path), now=lambda: NIGHT + 120):
        raise UsageError("no")
    assert _value(path, SUCCESS) == NIGHT
    assert _value(path, LAST) == 2
    assert _value(path, "forkresize_last_run_timestamp_seconds") == NIGHT + 120


def test_busy_destination_leaves_the_file_unwritten(path: Path) -> None:
    with pytest.raises(DestinationBusyError), MetricsFile(str(path)):
        raise DestinationBusyError("busy")
    assert not path.exists()


def test_long_run_writes_every_fifteen_seconds(path: Path, written: MakeOutcome) -> None:
    seconds = 0.0
    with MetricsFile(str(path), clock=lambda: seconds) as metrics:
        metrics.on_outcome(written())
        seconds = 14.9
        metrics.on_tick([])
        assert not path.exists()
        seconds = 15.0
        metrics.on_tick([])
        assert _value(path, OUTPUTS, status="written") == 1
        assert not [name for name, _, _ in _samples(path) if name == LAST]
        metrics.on_outcome(written("b.jpg"))
        seconds = 20.0
        metrics.on_tick([])
        assert _value(path, OUTPUTS, status="written") == 1
    assert _value(path, OUTPUTS, status="written") == 2


def test_planned_outputs_are_not_counted(path: Path, due: MakeOutcome) -> None:
    with MetricsFile(str(path)) as metrics:
        metrics.on_outcome(due())
    assert not [name for name, _, _ in _samples(path) if name == OUTPUTS]


@pytest.mark.parametrize("text", ["precious\n", "node_load1 3\n", '{"a": 1}\n'])
def test_metrics_of_other_programs_are_not_replaced(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(UsageError, match="remove it first"):
        MetricsFile(str(path))
    assert path.read_text() == text


def test_binary_files_are_not_replaced(path: Path) -> None:
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UsageError, match="remove it first"):
        MetricsFile(str(path))


def test_missing_directory_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match=r"there is no directory .*missing.; create it first"):
        MetricsFile(str(tmp_path / "missing/photos.prom"))


def test_missing_directory_of_the_target_of_a_link_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "link.prom").symlink_to(tmp_path / "missing/photos.prom")
    with pytest.raises(DestinationError, match=r"there is no directory .*missing.; create it first"):
        MetricsFile(str(tmp_path / "link.prom"))


def test_directory_at_the_path_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="not a regular file"):
        MetricsFile(str(tmp_path))


def test_later_write_error_is_raised(path: Path) -> None:
    with pytest.raises(DestinationError, match="Is a directory"), MetricsFile(str(path)):
        path.mkdir()


@pytest.mark.parametrize("kind", ["fifo", "device", "directory"])
def test_special_files_are_refused_and_kept(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run.prom"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path(os.devnull)
    else:
        path.mkdir()
    before = path.stat().st_mode
    with pytest.raises((DestinationError, UsageError)):
        MetricsFile(str(path))
    assert path.stat().st_mode == before


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    link, target = tmp_path / "link.prom", tmp_path / "real.prom"
    link.symlink_to(target)
    with MetricsFile(str(link)) as metrics:
        metrics.on_finish(_summary())
    assert link.is_symlink()
    assert "forkresize" in target.read_text()


def test_counts_of_a_reason_with_a_former_name_go_on_under_its_present_name(path: Path, failed: MakeOutcome) -> None:
    former = "worker went astray"  # language: allow (a former reason)
    for _ in range(2):
        with MetricsFile(str(path), now=lambda: NIGHT) as metrics:
            metrics.on_outcome(failed(reason=Reason.PROTOCOL_VIOLATION))
            metrics.on_finish(_summary())
        path.write_text(path.read_text().replace("invalid worker response", former))
    with MetricsFile(str(path), now=lambda: NIGHT) as metrics:
        metrics.on_finish(_summary())
    assert _value(path, OUTPUTS, reason="invalid worker response") == 2
    assert former not in path.read_text()
