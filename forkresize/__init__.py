"""Resize pictures: from bytes to bytes in a web application, or whole folders on all cores.

``transform`` takes the bytes of a picture, or an open file, and returns the outputs in memory::

    from forkresize import Recipe, transform

    recipe = Recipe.of(width=800, format="webp")
    [image] = transform(upload.read(), recipe)
    return Response(image.data, content_type=image.media_type)

``run`` processes folders in supervised forked workers, ``render`` one file::

    from forkresize import Recipe, run

    summary = run(["photos"], "web", Recipe.of(width=800, format="webp"))
    print(summary.written, "written,", summary.failed, "failed")

All that these functions take, return and raise can be imported from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from forkresize._version import __version__

__all__ = [
    "Activity",
    "Animation",
    "AnyObserver",
    "Axis",
    "Blur",
    "Border",
    "BrokenPoolError",
    "ClusterError",
    "CollisionError",
    "Color",
    "Compare",
    "ConflictError",
    "Crop",
    "Depth",
    "DestinationBusyError",
    "DestinationError",
    "Detail",
    "Drop",
    "Execution",
    "ExecutorStats",
    "ExitCode",
    "Failed",
    "FieldError",
    "Fit",
    "Flip",
    "ForkresizeError",
    "Format",
    "Gravity",
    "Grayscale",
    "IfExists",
    "IfLarger",
    "Job",
    "LedgerError",
    "Loss",
    "MaxErrors",
    "MaxPrune",
    "Metadata",
    "NoEffectError",
    "NodeActivity",
    "Observer",
    "OnCollision",
    "OnTruncated",
    "Order",
    "Outcome",
    "OutdatedError",
    "Output",
    "OutputRef",
    "PictureError",
    "Planned",
    "PoolOptions",
    "ProgressBar",
    "Pruned",
    "Reason",
    "Recipe",
    "RecipeFileError",
    "Rendered",
    "Rendition",
    "Resample",
    "Resize",
    "Rotate",
    "Rule",
    "RunActiveError",
    "RunPlan",
    "RunStats",
    "SandboxError",
    "SandboxMode",
    "SandboxPolicy",
    "Selection",
    "Serializer",
    "Settings",
    "Shard",
    "Sharpen",
    "Size",
    "Skipped",
    "Source",
    "SourceError",
    "SsimMetric",
    "Stage",
    "Step",
    "StopRequested",
    "StopRun",
    "Subsampling",
    "Summary",
    "Symlinks",
    "Threshold",
    "Timings",
    "Trim",
    "Unchanged",
    "UsageError",
    "Watermark",
    "Written",
    "__version__",
    "load_recipe",
    "prepare",
    "render",
    "run",
    "transform",
]

if TYPE_CHECKING:
    from forkresize.batch import AnyObserver, MaxErrors, MaxPrune, RunPlan, Settings, prepare, run
    from forkresize.batch.render_one import render
    from forkresize.errors import (
        BrokenPoolError,
        ClusterError,
        CollisionError,
        ConflictError,
        DestinationBusyError,
        DestinationError,
        FieldError,
        ForkresizeError,
        LedgerError,
        NoEffectError,
        OutdatedError,
        RunActiveError,
        SandboxError,
        SourceError,
        StopRequested,
        UsageError,
    )
    from forkresize.exit_policy import ExitCode
    from forkresize.image.errors import PictureError
    from forkresize.image.rendered import Rendered, Timings
    from forkresize.image.transform import transform
    from forkresize.job import Job, Output, Source
    from forkresize.loss import Loss
    from forkresize.observer import Activity, NodeActivity, Observer, StopRun
    from forkresize.outcome import (
        Detail,
        Execution,
        Failed,
        Outcome,
        OutputRef,
        Planned,
        Pruned,
        Reason,
        Skipped,
        Stage,
        Unchanged,
        Written,
    )
    from forkresize.plan import Compare, IfExists, OnCollision, Order, Shard
    from forkresize.pool import PoolOptions, SandboxMode, SandboxPolicy, Serializer
    from forkresize.recipe import (
        Animation,
        Axis,
        Blur,
        Border,
        Color,
        Crop,
        Depth,
        Drop,
        Fit,
        Flip,
        Format,
        Gravity,
        Grayscale,
        IfLarger,
        Metadata,
        OnTruncated,
        Recipe,
        Rendition,
        Resample,
        Resize,
        Rotate,
        Sharpen,
        Size,
        SsimMetric,
        Step,
        Subsampling,
        Threshold,
        Trim,
        Watermark,
    )
    from forkresize.recipefile import RecipeFileError, load_recipe
    from forkresize.report.progress_bar import ProgressBar
    from forkresize.summary import ExecutorStats, RunStats, Summary
    from forkresize.walk import Rule, Selection, Symlinks

_MODULES = (
    *("errors", "loss", "recipe", "recipefile", "job", "outcome", "exit_policy", "observer", "summary", "walk"),
    *("plan", "pool", "image.errors", "image.rendered", "image.transform", "batch", "batch.render_one"),
    "report.progress_bar",
)
"""The modules that define the public names. They are searched in this order, lighter ones first."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name on first use, so that --version does not wait for Pillow."""
        if name in __all__:
            for module in _MODULES:
                names = vars(import_module(f"forkresize.{module}"))
                if name in names:
                    return names[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
