"""A run over many sources: prepare a plan, execute it."""

import os
from collections.abc import Iterable, Sequence

from forkresize.batch.events import AnyObserver
from forkresize.batch.prepare import RunPlan, prepare
from forkresize.batch.prune import MaxPrune
from forkresize.batch.settings import MaxErrors, Settings
from forkresize.observer import Observer
from forkresize.recipe import Recipe
from forkresize.summary import Summary

__all__ = ["AnyObserver", "MaxErrors", "MaxPrune", "Observer", "RunPlan", "Settings", "prepare", "run"]


def run(
    sources: Sequence[str | os.PathLike[str]],
    destination: str | os.PathLike[str],
    recipe: Recipe,
    *,
    settings: Settings | None = None,
    observers: Iterable[AnyObserver] = (),
) -> Summary:
    """Make every picture of a batch, in forked worker processes.

    It prepares a plan and executes it; see ``prepare`` and ``RunPlan.execute`` for what each may raise.

    Args:
        sources: directories and files to read.
        destination: the directory to write to; it is created if it is missing.
        recipe: what to make of every picture.
        settings: which files, how many workers, what to do about existing outputs.
        observers: follow the run; a function is called with every outcome.
    """
    return prepare(sources, destination, recipe, settings).execute(observers)
