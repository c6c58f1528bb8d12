"""Start the workers of a run with object stores while the libraries of the stores are loaded, which takes as long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from forkresize.batch import RunPlan, Settings
from forkresize.cli.arguments import Arguments
from forkresize.recipe import Recipe


@contextmanager
def start_workers(arguments: Arguments, recipe: Recipe, settings: Settings) -> Iterator[Callable[[RunPlan], None]]:
    """Start the workers of a run, if it is clear before its preparation that it can use them, and end them.

    Yields:
        What makes the plan of the run use them.
    """
    if not _has_workers(arguments, settings) or _names_files(recipe):
        yield lambda _: None
        return
    from forkresize.batch.remote.backend import RemoteBackend, create_renderer

    def use(plan: RunPlan) -> None:
        if isinstance(plan.backend, RemoteBackend):
            plan.backend.use_renderer(renderer)

    with create_renderer(settings, recipe) as renderer:
        renderer.start()
        yield use


def _has_workers(arguments: Arguments, settings: Settings) -> bool:
    """Return whether this process moves the bytes, and is not likely to be refused that."""
    is_here = arguments.cluster is None and not (settings.dry_run or settings.serial or arguments.watch)
    return is_here and arguments.is_remote


def _names_files(recipe: Recipe) -> bool:
    """Return whether workers load files, which the preparation has to check before."""
    from forkresize.batch.fingerprint import referenced_files

    return any(referenced_files(recipe))
