"""Writes the ledger's rows of the pictures that a node has made."""

import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Self

from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.cluster.spec import RunSpec
from forkresize.job import Job
from forkresize.ledger import LedgerStore, RecipeFingerprints, open_ledger, records_for, source_record
from forkresize.outcome import Outcome
from forkresize.recipe import from_bytes
from forkresize.store import ObjectInfo


class Recorder:
    """The rows of one chunk. A context manager; belongs to one thread.

    Args:
        url: of the ledger.
        run: number of the run.
        spec: of the run.

    Raises:
        FieldError: this version cannot read the recipe.
        OutdatedError: a later version has changed the ledger's tables.
        LedgerError: the ledger cannot be opened.
    """

    def __init__(self, url: str, run: int, spec: RunSpec) -> None:
        self._ledger: LedgerStore = open_ledger(spec.destination, url)
        self._ledger.join_run(run)
        self._run = run
        self._records = bool(spec.renditions)
        self._fingerprints = fingerprints_of(spec)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()

    def find_put(self, keys: Collection[str]) -> dict[str, str]:
        """Return the etags of those outputs that a node with other codecs has put and recorded in this run, by key.

        What a node with the same codecs has put has the bytes that this one makes, and needs no further put.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        rows = [row for row in self._ledger.get_many(keys).values() if row.run == self._run]
        return {
            row.key: row.etag
            for row in rows
            if row.etag is not None and row.recipe not in self._fingerprints.renditions
        }

    def record(self, job: Job, outcomes: Sequence[Outcome], placed: Mapping[str, ObjectInfo]) -> None:
        """Record what happened to a picture; rows are written in batches, and at the end.

        Args:
            job: the picture.
            outcomes: what happened.
            placed: its outputs in the destination, by key.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        if self._records:
            base = source_record(job.source, self._ledger.run)
            self._ledger.record(records_for(job, outcomes, base, self._fingerprints, placed))


def fingerprints_of(spec: RunSpec) -> RecipeFingerprints:
    """Return the fingerprints of what this node makes of a run's recipe.

    They differ from those of the run if the node renders in another way, or with other codecs. Then the next run makes
    these outputs again, unless it renders as the node does.

    Raises:
        FieldError: this version cannot read the recipe.
    """
    own = _fingerprint(spec.recipe)
    limits = {reason: math.inf if limit is None else limit for reason, limit in spec.limits.items()}
    return RecipeFingerprints(renditions=own.renditions, combined=own.combined, limits=limits)


@lru_cache(maxsize=8)
def _fingerprint(recipe: str) -> RecipeFingerprints:
    return fingerprint_recipe(from_bytes(recipe.encode()), None)
