"""The report as one page of HTML that needs nothing else. Wired here; gathered, counted and drawn beside."""

import os
import re

from forkresize.outcome import Outcome
from forkresize.report.export.base import RunReporter
from forkresize.report.html.contact_sheet import Thumbnails
from forkresize.report.html.data import Page, RunInfo, build_page
from forkresize.report.html.outcome_store import OutcomeStore
from forkresize.report.index.index_file import IndexFile, IndexFormat, commit, staged
from forkresize.summary import Summary

__all__ = ["HtmlReport", "RunInfo", "Thumbnails"]

_BEGINNING = re.compile(rb"<!doctype html>\s*<!-- forkresize report -->")


class HtmlReport(RunReporter):
    """A reporter that puts a page in its place, in one step, when the run ends; a refused run leaves the last one.

    Args:
        path: the file to write.
        subject: what the run is about.
        thumbnails: makes the pictures of the contact sheet.

    Raises:
        UsageError: there can be no such file, or there is one that is no report.
        DestinationError: it can't be written, now or later.
    """

    def __init__(self, path: str, subject: RunInfo, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._subject = subject
        self._thumbnails = thumbnails
        self._path = path
        _file(path, "").check(os.curdir)
        self._spool = OutcomeStore()

    def __call__(self, outcome: Outcome) -> None:
        """Keep an outcome."""
        super().__call__(outcome)
        self._spool.add(outcome, self.elapsed)

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the page.

        Raises:
            DestinationError: it can't be written.
        """
        try:
            if error is None or self.tally.outputs:
                self._write(build_page(self._spool, self._subject, summary, self._thumbnails))
        finally:
            self._spool.close()

    def _write(self, page: Page) -> None:
        from forkresize.report.html.page import page_text

        file = _file(self._path, page_text(page))
        with staged([file], ()):
            pass
        commit([file])


def _file(path: str, text: str) -> IndexFile:
    return IndexFile(path, IndexFormat("report", _BEGINNING, lambda _entries, _place: iter([text])))
