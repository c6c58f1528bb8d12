"""The report as a self-contained HTML page."""

import re

from forkresize.report.export.base import RunReporter
from forkresize.report.files import ReplacedFile, discard_on_error
from forkresize.report.html.data import RunInfo, build_page
from forkresize.report.html.excerpt import DrawExcerpts, Excerpt
from forkresize.report.outcome_store import OutcomeStore
from forkresize.summary import Summary

__all__ = ["DrawExcerpts", "Excerpt", "HtmlReport", "RunInfo"]

_BEGINNING = re.compile(rb"<!doctype html>\s*<!-- forkresize report -->")


class HtmlReport(RunReporter):
    """Write a page atomically when the run ends. A run that is refused keeps the last page.

    Args:
        path: the file to write.
        info: what the run processes.
        store: holds the outcomes; it observes the run as well.
        draw: makes the pictures of the page.

    Raises:
        UsageError: the path cannot be a file, or the file is not a report.
        DestinationError: the file cannot be written, now or later.
    """

    def __init__(self, path: str, info: RunInfo, store: OutcomeStore, draw: DrawExcerpts) -> None:
        super().__init__()
        self._file = ReplacedFile(path, "report", _BEGINNING)
        self._info = info
        self._store = store
        self._draw = draw
        self._file.check()

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the page."""
        if error is not None and not self.tally.outputs:
            return
        from forkresize.report.html.page import render_page

        page = build_page(self._store, self._info, summary, self._draw)
        with discard_on_error([self._file]):
            self._file.stage([render_page(page)])
            self._file.commit()
