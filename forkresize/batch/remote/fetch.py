"""Fetches sources into memory, and refuses those that need not be fetched: Fetcher."""

import os
from io import BytesIO, FileIO

from forkresize.batch.remote.render_task import MAX_INLINE
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.errors import describe
from forkresize.formats.registry import SUFFIXES
from forkresize.image.errors import PictureError
from forkresize.image.limits import check_file_size
from forkresize.job import Job
from forkresize.outcome import Failed, Reason, Skipped
from forkresize.pool.files import seal
from forkresize.store import ChangedError

_WORTH_A_LOOK = 1_000_000
"""Bytes. Of a larger object whose name is not that of a picture, the beginning is fetched first."""


class RefusedError(Exception):
    """A source is not rendered.

    Attributes:
        detail: why.
    """

    def __init__(self, detail: Skipped | Failed) -> None:
        super().__init__(detail.error or detail.reason)
        self.detail = detail


class Fetcher:
    """Fetches sources. May be used by many threads.

    Args:
        sources: where they are.
        max_file_size: the bytes that a source may have.
        lends: whether large files on a local disk are opened instead of copied. Who reads one has to check at the end
            that it has not changed.
    """

    def __init__(self, sources: SourceStores, max_file_size: int, *, lends: bool = False) -> None:
        self._sources = sources
        self._max_file_size = max_file_size
        self._lends = lends

    def fetch(self, job: Job) -> tuple[Job, FileIO | BytesIO]:
        """Return a job with the source as it was fetched, and its content.

        The content is a sealed memfd; in memory if it is small; or the file itself, open for reading, if that is lent.

        An object that was replaced since it was listed is looked up once more.

        Raises:
            RefusedError: the source is gone, cannot be read, is too large, or is not a picture.
        """
        try:
            try:
                return job, self._fetch(job)
            except ChangedError:
                job = Job(self._sources.refresh(job.source), job.outputs)
                return job, self._fetch(job)
        except FileNotFoundError:
            raise RefusedError(Failed(Reason.UNREADABLE, f"{job.source.path}: vanished")) from None
        except OSError as error:
            raise RefusedError(Failed(Reason.UNREADABLE, f"{job.source.path}: {describe(error)}")) from error

    def _fetch(self, job: Job) -> FileIO | BytesIO:
        self._look_before(job)
        if job.source.size <= MAX_INLINE:
            content = BytesIO()
            self._sources.fetch(job.source, content)
            return content
        if self._lends and (lent := self._sources.lend(job.source)) is not None:
            return lent
        file = FileIO(os.memfd_create("source", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b")
        try:
            self._sources.fetch(job.source, file)
            seal(file)
        except BaseException:
            file.close()
            raise
        return file

    def _look_before(self, job: Job) -> None:
        """Refuse a large source by its size and its beginning."""
        source = job.source
        is_too_large = source.size > self._max_file_size
        by_name = os.path.splitext(source.path)[1].lower() in SUFFIXES
        if not is_too_large and (by_name or source.size < _WORTH_A_LOOK):
            return
        if not self._sources.may_be_picture(source):
            raise RefusedError(Skipped(Reason.NOT_A_PICTURE))
        try:
            check_file_size(source.size, self._max_file_size)
        except PictureError as error:
            raise RefusedError(Failed(error.reason, str(error))) from None
