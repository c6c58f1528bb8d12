"""Sources, as workers get them: Sources."""

import os
from collections.abc import Awaitable, Callable
from io import BytesIO, FileIO
from typing import TypeVar

from msgspec.structs import replace

from forkresize.batch.remote.fetch import Fetcher, RefusedError
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.gateway.observation import stage
from forkresize.gateway.problem import Problem, problem_of_detail
from forkresize.gateway.roots import Located, Roots
from forkresize.job import Job, Output, Source
from forkresize.pool.files import is_sealed
from forkresize.recipe import Recipe

T = TypeVar("T")
Content = FileIO | BytesIO


class Sources:
    """Hands sources to workers. For one event loop.

    Args:
        roots: where they are.
        max_file_size: bytes that one may have.
    """

    def __init__(self, roots: Roots, max_file_size: int) -> None:
        self._roots = roots
        self._max_file_size = max_file_size

    async def read(self, located: Located, recipe: Recipe, work: Callable[[Job, Content], Awaitable[T]]) -> T:
        """Return what comes of the content of a source.

        A large file on a local disk is not copied: the worker reads it. If it has changed by the end, it is read once
        more, from a copy.

        Args:
            located: the source.
            recipe: what to make of it; its limit of file sizes applies if it is lower than the gateway's.
            work: gets the job and its content, twice at most.

        Raises:
            Problem: it cannot be read, or what ``work`` raises.
        """
        job, file = await self._fetch(located, recipe, lends=True)
        with file:
            try:
                result = await work(job, file)
            except Problem:
                if _is_unchanged(job.source, file):
                    raise
            else:
                if _is_unchanged(job.source, file):
                    return result
        job, file = await self._fetch(located, recipe, lends=False)
        with file:
            return await work(job, file)

    async def _fetch(self, located: Located, recipe: Recipe, *, lends: bool) -> tuple[Job, Content]:
        max_size = min(recipe.max_file_size, self._max_file_size)
        # Only the store that the source was found in: a key of one root may look like a path of another.
        fetcher = Fetcher(SourceStores([located.store]), max_size, lends=lends)
        job = Job(located.source, outputs_of(recipe))
        try:
            with stage("fetch"):
                if located.content is not None and located.info.size <= max_size:
                    return job, BytesIO(located.content)
                return await self._roots.call(located.root, fetcher.fetch, job)
        except RefusedError as error:
            # Where the root is does not concern the client.
            text = error.detail.error.replace(located.source.path, f"{located.root}/{located.key}")
            raise problem_of_detail(replace(error.detail, error=text)) from error


def outputs_of(recipe: Recipe) -> tuple[Output, ...]:
    """Return an output for each rendition of a recipe, without a key."""
    return tuple(Output("", number) for number in range(len(recipe.renditions)))


def _is_unchanged(source: Source, file: Content) -> bool:
    """Return whether the content of a source still is what it was. A file that is lent is on a local disk."""
    if isinstance(file, BytesIO) or is_sealed(file.fileno()):
        return True
    status = os.fstat(file.fileno())
    return (status.st_size, status.st_mtime_ns) == (source.size, source.mtime_ns)
