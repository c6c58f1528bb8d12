"""The report as a self-contained HTML page."""

import os
import re

from forkresize.report.export.base import RunReporter
from forkresize.report.html.contact_sheet import Thumbnails
from forkresize.report.html.data import Page, RunInfo, build_page
from forkresize.report.index.index_file import IndexFile, IndexFormat, commit, staged
from forkresize.report.outcome_store import OutcomeStore
from forkresize.summary import Summary

__all__ = ["HtmlReport", "RunInfo", "Thumbnails"]

_BEGINNING = re.compile(rb"<!doctype html>\s*<!-- forkresize report -->")


class HtmlReport(RunReporter):
    """Write a page atomically when the run ends. A run that is refused keeps the last page.

    Args:
        path: the file to write.
        info: what the run processes.
        store: holds the outcomes; it observes the run as well.
        thumbnails: makes the pictures of the contact sheet.

    Raises:
        UsageError: the path cannot be a file, or the file is not a report.
        DestinationError: the file cannot be written, now or later.
    """

    def __init__(self, path: str, info: RunInfo, store: OutcomeStore, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._path = path
        self._info = info
        self._store = store
        self._thumbnails = thumbnails
        _file(path, "").check(os.curdir)

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the page.

        Raises:
            DestinationError: it cannot be written.
        """
        if error is None or self.tally.outputs:
            self._write(build_page(self._store, self._info, summary, self._thumbnails))

    def _write(self, page: Page) -> None:
        from forkresize.report.html.page import render_page

        file = _file(self._path, render_page(page))
        with staged([file], ()):
            pass
        commit([file])


def _file(path: str, text: str) -> IndexFile:
    return IndexFile(path, IndexFormat("report", _BEGINNING, lambda _sources, _relative: iter([text])))
