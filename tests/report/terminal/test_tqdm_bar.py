"""The bar for terminals without cursor control."""

import errno
import threading
from io import StringIO

import pytest
from tqdm import tqdm

from forkresize.report.terminal.tqdm_bar import TqdmBar
from tests.protocols import MakeOutcome


class HungUp(StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


def _last(file: StringIO) -> str:
    return file.getvalue().rpartition("\r")[2].rstrip()


def test_bar_shows_the_run_and_is_removed_at_the_end(unchanged: MakeOutcome, failed: MakeOutcome) -> None:
    file, now = StringIO(), [0.0]
    with TqdmBar(file, sources=iter([500, 700] * 2), clock=lambda: now[0]) as bar:
        assert _last(file).startswith("0 pictures [00:00")
        bar.on_outcome(unchanged())
        bar.on_outcome(failed())
        now[0] += 1
        bar.on_tick([])
        assert _last(file).startswith(" 50%|#####     | 2/4 [00:00<")
        assert _last(file).endswith(" pictures/s, 1 failed]")
    assert _last(file) == ""
    assert file.getvalue().isascii()


def test_total_is_hidden_until_it_is_known(unchanged: MakeOutcome) -> None:
    file, now = StringIO(), [0.0]
    with TqdmBar(file, clock=lambda: now[0]) as bar:
        bar.on_outcome(unchanged())
        now[0] += 1
        bar.on_tick([])
        assert _last(file).startswith("1 pictures [00:00")


def test_bar_is_drawn_once_per_interval(unchanged: MakeOutcome) -> None:
    file = StringIO()
    with TqdmBar(file, clock=lambda: 0.0) as bar:
        size = len(file.getvalue())
        bar.on_outcome(unchanged())
        bar.on_tick([])
        assert len(file.getvalue()) == size


def test_lines_are_printed_above_the_bar() -> None:
    file = StringIO()
    with TqdmBar(file) as bar:
        bar.print_line("written   a.jpg")
        assert "\rwritten   a.jpg\n" in file.getvalue()
        assert _last(file).startswith("0 pictures")


def test_no_thread_is_started_and_tqdm_is_not_changed(unchanged: MakeOutcome) -> None:
    before, interval = threading.active_count(), tqdm.monitor_interval
    with TqdmBar(StringIO()) as bar:
        bar.on_outcome(unchanged())
        assert threading.active_count() == before
    assert tqdm.monitor_interval == interval
    assert tqdm.monitor is None


def test_lost_terminal_does_not_end_the_run(unchanged: MakeOutcome) -> None:
    now = [0.0]
    with TqdmBar(HungUp(), clock=lambda: now[0]) as bar:
        now[0] += 1
        bar.on_outcome(unchanged())
        bar.on_tick([])
        bar.print_line("lost")


def test_bar_is_drawn_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with TqdmBar():
        pass
    out, err = capsys.readouterr()
    assert out == ""
    assert "0 pictures" in err
