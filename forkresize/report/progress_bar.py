"""A progress bar for programs and notebooks: ProgressBar."""

import threading
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tqdm import TqdmWarning

from forkresize.observer import Activity, Observer
from forkresize.outcome import Failed, Outcome
from forkresize.report.weighed_bar import add_weights
from forkresize.report.work import WorkEstimate
from forkresize.summary import Summary


class ProgressBar(Observer):
    """Show a bar of the files that are done, weighed by their sizes, for ``run(..., observers=[ProgressBar()])``.

    In a notebook, it is a widget if ipywidgets is installed, and text otherwise; elsewhere, it is text on standard
    error. It remains when the run is over.

    Args:
        options: arguments of ``tqdm.auto.tqdm``, such as ``leave=False`` or ``desc="photos"``.
    """

    wants_unchanged = False

    def __init__(self, **options: Any) -> None:
        self._options = {"unit": " files", "mininterval": 0.1, **options}
        self._bar: Any = None
        self._failed = 0
        self._work = WorkEstimate()
        self._files = 0

    def on_start(self) -> None:
        """Show the bar."""
        self._failed = 0
        self._work = WorkEstimate()
        self._bar = _bar_type()(**self._options)

    def on_total(self, sources: int, *, is_final: bool) -> None:
        """Give the bar an end when all files are counted."""
        if is_final:
            self._files = sources
            self._set_total(max(sources, self._work.count))

    def on_total_work(self, work: float, *, is_final: bool) -> None:
        """Weigh the files when all are counted."""
        if is_final:
            self._work.expect(self._files, work)

    def on_outcome(self, outcome: Outcome) -> None:
        """Count a file by its first output, and failures."""
        if isinstance(outcome.detail, Failed):
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed:,} failed", refresh=False)
        self._work.add(outcome)
        self._bar.follow(self._work)

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:  # noqa: ARG002  A hook.
        """Count sources that are up to date."""
        self._work.add_without_work(sources)
        self._bar.follow(self._work)

    def on_tick(self, activities: Sequence[Activity]) -> None:
        """Let the time go on."""
        self._work.observe(activities)
        self._bar.follow(self._work)
        self._bar.refresh()

    def on_finish(self, summary: Summary) -> None:
        """Show the end: a run that was stopped, or had little to do, may never have counted all files."""
        if not summary.stopped_by:
            self._work.expect(self._work.count, self._work.done)
            self._set_total(self._work.count)
        self._bar.close()

    def _set_total(self, total: int) -> None:
        """Give the bar an end; only a reset makes the widget take it."""
        started = self._bar.start_t
        self._bar.reset(total)
        self._bar.start_t = started
        self._bar.follow(self._work)
        self._bar.refresh()


@lru_cache(maxsize=1)
def _bar_type() -> Any:
    """Return the bar of the environment."""
    with warnings.catch_warnings():
        # Without ipywidgets, tqdm recommends it; its text does as well.
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm

    bar = add_weights(tqdm)
    bar.set_lock(threading.RLock())
    return bar
