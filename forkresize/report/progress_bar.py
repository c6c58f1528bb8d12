"""A progress bar for programs and notebooks: ProgressBar."""

import threading
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tqdm import TqdmWarning

from forkresize.observer import Activity, Observer
from forkresize.outcome import Failed, Outcome, Pruned
from forkresize.summary import Summary


class ProgressBar(Observer):
    """Show a bar of the files that are done, for ``run(..., observers=[ProgressBar()])``.

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

    def on_start(self) -> None:
        """Show the bar."""
        self._failed = 0
        self._bar = _bar_type()(**self._options)

    def on_total(self, sources: int, *, is_final: bool) -> None:
        """Give the bar an end when all files are counted."""
        if is_final:
            self._set_total(max(sources, self._bar.n))

    def on_outcome(self, outcome: Outcome) -> None:
        """Count a file by its first output, and failures."""
        if isinstance(outcome.detail, Failed):
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed:,} failed", refresh=False)
        if outcome.rendition == 0 and not isinstance(outcome.detail, Pruned):
            self._bar.update()

    def on_unchanged(self, sources: int, outputs: int, size: int) -> None:  # noqa: ARG002  A hook.
        """Count sources that are up to date."""
        self._bar.update(sources)

    def on_tick(self, _: Sequence[Activity]) -> None:
        """Let the time go on."""
        self._bar.refresh()

    def on_finish(self, summary: Summary) -> None:
        """Show the end: a run that was stopped, or had little to do, may never have counted all files."""
        if not summary.stopped_by and self._bar.total != self._bar.n:
            self._set_total(self._bar.n)
        self._bar.close()

    def _set_total(self, total: int) -> None:
        """Give the bar an end; only a reset makes the widget take it."""
        done, started = self._bar.n, self._bar.start_t
        self._bar.reset(total)
        self._bar.n, self._bar.start_t = done, started
        self._bar.refresh()


@lru_cache(maxsize=1)
def _bar_type() -> Any:
    """Return the bar of the environment."""
    with warnings.catch_warnings():
        # Without ipywidgets, tqdm recommends it; its text does as well.
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        """A bar that starts no thread and shares no lock between processes, so that the program can fork."""

        monitor_interval = 0

    Bar.set_lock(threading.RLock())
    return Bar
