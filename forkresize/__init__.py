"""Resize folders of pictures on all cores, in supervised forked workers.

``run`` processes a batch, ``render`` one picture; a ``Recipe`` defines the outputs::

    from forkresize import Format, Recipe, run

    summary = run(["photos"], "web", Recipe.of(width=800, format=Format.WEBP))
    print(summary.written, "written,", summary.failed, "failed")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from forkresize._version import __version__

__all__ = [
    "Compare",
    "Failed",
    "Fit",
    "ForkresizeError",
    "Format",
    "Gravity",
    "IfExists",
    "MaxErrors",
    "MaxPrune",
    "Observer",
    "OnCollision",
    "Order",
    "Outcome",
    "PictureError",
    "Planned",
    "PoolOptions",
    "Pruned",
    "Reason",
    "Recipe",
    "Rendered",
    "Resample",
    "Rule",
    "RunPlan",
    "Selection",
    "Settings",
    "Shard",
    "Skipped",
    "Summary",
    "Symlinks",
    "Unchanged",
    "Written",
    "__version__",
    "prepare",
    "render",
    "run",
    "transform",
]

if TYPE_CHECKING:
    from forkresize.batch import MaxErrors, MaxPrune, Settings, run
    from forkresize.batch.prepare import RunPlan, prepare
    from forkresize.batch.render_one import render
    from forkresize.errors import ForkresizeError
    from forkresize.image.errors import PictureError
    from forkresize.image.transform import Rendered, transform
    from forkresize.observer import Observer
    from forkresize.outcome import Failed, Outcome, Planned, Pruned, Reason, Skipped, Unchanged, Written
    from forkresize.plan import Compare, IfExists, OnCollision, Order, Shard
    from forkresize.pool import PoolOptions
    from forkresize.recipe import Fit, Format, Gravity, Recipe, Resample
    from forkresize.summary import Summary
    from forkresize.walk import Rule, Selection, Symlinks

_MODULES = (
    *("errors", "recipe", "outcome", "observer", "summary", "walk", "plan", "pool"),
    *("image.transform", "batch", "batch.render_one"),
)
"""The modules that define the public names; each imports only earlier ones."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name on first use, so that --version does not wait for Pillow."""
        if name in __all__:
            for module in _MODULES:
                names = vars(import_module(f"forkresize.{module}"))
                if name in names:
                    return names[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
