"""The specification of a run for nodes, made of its plan."""

import math
import os
from collections.abc import Iterator

from forkresize.batch import RunPlan
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.cluster.spec import MAX_RETRIES, RunSpec
from forkresize.errors import FieldError
from forkresize.recipe import Recipe, Watermark, to_bytes
from forkresize.urls import file_url, is_url, parse_store_url


def specify(plan: RunPlan) -> RunSpec:
    """Return what nodes need to know about a run.

    Raises:
        FieldError: nodes cannot do what the run asks for.
    """
    settings = plan.settings
    _check_recipe(plan.recipe)
    prints = fingerprint_recipe(plan.recipe, settings.pool.timeout, settings.memory)
    return RunSpec(
        sources=list(dict.fromkeys(_source_locations(plan))),
        destination=location_for_nodes(plan.store.location(""), "destination"),
        recipe=to_bytes(plan.recipe).decode("ascii"),
        renditions=[each.hex() for each in prints.renditions],
        combined=prints.combined.hex(),
        # The digest of the specification must be that of what nodes read, where all of these are floats.
        limits={reason: _finite(limit) for reason, limit in prints.limits.items()},
        timeout=_finite(settings.pool.timeout),
        retries=_check_retries(settings.pool.retries),
        cache_control=settings.cache_control,
        metadata=dict(settings.metadata_header),
        shard="" if settings.shard is None else settings.shard.lock_name,
    )


def _source_locations(plan: RunPlan) -> Iterator[str]:
    """Yield what the sources lie below: of a single file, the directory."""
    files = set(plan.discovery.single_files())
    for source in plan.discovery.named:
        location = location_for_nodes(source, "sources")
        is_file = source in files or (is_url(source) and str(parse_store_url(source)) in files)
        yield str(parse_store_url(location).parent) if is_file else location


def location_for_nodes(location: str, field: str) -> str:
    """Return a URL as it is, and a local path as the file URL of a directory that all nodes share.

    Raises:
        FieldError: the path is not valid text.
    """
    if is_url(location):
        return location
    path = os.path.abspath(location)
    try:
        path.encode()
    except UnicodeEncodeError:
        raise FieldError(field, f"{path!r} cannot be used by a cluster: it is not valid UTF-8") from None
    return file_url(path)


def _finite(number: float | None) -> float | None:
    """Return a number; None for infinity, which JSON does not have."""
    return float(number) if number is not None and math.isfinite(number) else None


def _check_retries(retries: int) -> int:
    if retries > MAX_RETRIES:
        raise FieldError("retries", f"invalid value {retries}: on a cluster, it must be at most {MAX_RETRIES}")
    return retries


def _check_recipe(recipe: Recipe) -> None:
    for step in recipe.steps:
        if isinstance(step, Watermark) and (path := step.image or step.font):
            raise FieldError("watermark", f"{path!r} cannot be used on a cluster: its nodes do not have the file")
