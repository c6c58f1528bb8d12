"""The preparation of a run with object stores: the same as of others, but for what it may not and need not do."""

import os
from collections.abc import Iterable, Sequence

from forkresize.batch.deadline import Deadline
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.batch.prepare import RunPlan, find_run_collisions
from forkresize.batch.remote.backend import RemoteBackend
from forkresize.batch.remote.discovery import AnyRoot, ObjectRoot, RemoteDiscovery
from forkresize.batch.remote.guard import PrefixGuard
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.settings import Settings
from forkresize.batch.state import StopToken
from forkresize.errors import DestinationError, FieldError, SourceError, describe
from forkresize.job import Source
from forkresize.plan import Collisions, Naming
from forkresize.pool import require_support
from forkresize.recipe import Recipe
from forkresize.store import LocalStore, ObjectKind, OutputStore, PutOptions
from forkresize.store.objects import open_store
from forkresize.urls import StoreUrl, is_url, parse_store_url
from forkresize.walk import roots as local_roots

_REFUSED = {
    "in_place": "objects cannot be replaced without a copy that is safe; name another destination",
    "preserve_times": "the time of an object is that of its upload, and cannot be set",
}
"""Settings that a run with object stores cannot have, with the reason."""


_HEADERS = ("cache_control", "metadata_header")


def prepare_remote(sources: Sequence[str], destination: str, recipe: Recipe, settings: Settings) -> RunPlan:
    """Check a run's request, and find what can only be found by looking at all sources; write nothing but a probe.

    Args:
        sources: URLs, directories and files to read.
        destination: the URL or directory to write to.
        recipe: what to make of every picture.
        settings: which pictures, how many workers, what to do about existing outputs.

    Raises:
        UsageError: the request is contradictory, or a URL is invalid.
        CollisionError: two sources have the same output, and the settings refuse that.
        SourceError: a source cannot be read.
        DestinationError: the destination cannot be written.
        SandboxError: the settings require a sandbox that the system does not support.
    """
    _check(sources, destination, settings)
    _check_recipe(recipe)
    require_support(settings.sandbox)
    deadline = Deadline(settings.max_duration)
    stop = StopToken(deadline)
    naming = Naming(recipe, settings.name, settings.flat)
    store = open_store(destination) if is_url(destination) else LocalStore(destination)
    roots = [_open_root(source, single=len(sources) == 1) for source in sources]
    guard = PrefixGuard([_absolute(root.path) for root in roots if _is_tree(root)], _absolute(store.location("")))
    discovery = RemoteDiscovery(sources, roots, settings.selection, guard, stop)
    guard.add_sources(discovery.single_files())
    _check_single_files(roots, guard, store, naming)
    stores = SourceStores(root.store for root in roots if isinstance(root, ObjectRoot))
    headers = PutOptions(cache_control=settings.cache_control, metadata=settings.metadata_header)
    backend = RemoteBackend(stores, store, discovery, headers)
    return RunPlan(
        store=store,
        recipe=recipe,
        settings=settings,
        discovery=discovery,
        naming=naming,
        guard=guard,
        collisions=_find_collisions(discovery, store, naming, settings, stores),
        deadline=deadline,
        stop=stop,
        backend=backend,
    )


def _find_collisions(
    discovery: RemoteDiscovery, store: OutputStore, naming: Naming, settings: Settings, stores: SourceStores
) -> Collisions:
    """Return the sources that share an output.

    Raises:
        DestinationError: the destination cannot be probed.
    """
    try:
        return find_run_collisions(discovery, store, naming, settings, stores.may_be_picture_at)
    except OSError as error:
        raise DestinationError(f"{store.location('')}: {describe(error)}") from error


def _check(sources: Sequence[str], destination: str, settings: Settings) -> None:
    refused = dict(_REFUSED)
    if not is_url(destination):
        refused |= dict.fromkeys(_HEADERS, "requires a destination that keeps headers, such as s3://bucket/path")
    for field, reason in refused.items():
        if getattr(settings, field):
            raise FieldError(field, reason)
    if settings.serial:
        raise FieldError("workers", "use at least one: the process that transfers objects does not decode pictures")
    if settings.selection.symlinks is not None and all(map(is_url, sources)):
        raise FieldError("symlinks", "object stores have no symbolic links")
    if settings.files_from is not None:
        raise FieldError("files_from", "lists of names are not supported with object stores; use include and exclude")
    if not sources:
        raise FieldError("sources", "specify a URL, a directory or a file")


def _check_recipe(recipe: Recipe) -> None:
    """Check that the files that a recipe names can be read; workers decode them."""
    try:
        fingerprint_recipe(recipe, None)
    except OSError as error:
        raise FieldError("watermark", f"{error.filename}: {describe(error)}") from error


def _open_root(source: str, *, single: bool) -> AnyRoot:
    """Return where the listing of a source starts.

    Raises:
        SourceError: it cannot be read.
    """
    if not is_url(source):
        return local_roots([source], single=single)[0]
    url = parse_store_url(source)
    if url.prefix and not source.endswith("/") and _is_object(url):
        return ObjectRoot(open_store(str(url.parent)), url.name, url.name)
    return ObjectRoot(open_store(str(url)), "", "" if single else url.name or url.bucket)


def _is_object(url: StoreUrl) -> bool:
    try:
        found = open_store(str(url.parent)).stat(url.name)
    except PermissionError:
        # Stores that may not be listed deny what does not exist.
        return False
    except OSError as error:
        raise SourceError(f"{str(url)!r} cannot be read: {describe(error)}") from error
    return found is not None and found.kind is ObjectKind.FILE


def _absolute(path: str) -> str:
    return path if is_url(path) else os.path.abspath(path)


def _is_tree(root: AnyRoot) -> bool:
    return not root.key if isinstance(root, ObjectRoot) else os.path.isdir(root.path)


def _check_single_files(roots: Iterable[AnyRoot], guard: PrefixGuard, store: OutputStore, naming: Naming) -> None:
    for root in roots:
        if not _is_tree(root):
            for output in naming.outputs(Source(root.path, root.prefix)):
                path = store.location(output.key)
                if guard.forbids(path, root.path):
                    raise FieldError("destination", f"{path!r} would overwrite its source; specify another directory")
