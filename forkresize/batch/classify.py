"""The classification of sources: which outputs have to be made, and the outcomes of those that need no work."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from forkresize.batch.listing import Listed
from forkresize.errors import describe
from forkresize.image.decode.sniff import HEAD_LENGTH, is_picture
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, OutputRef, Planned, Reason, Skipped
from forkresize.plan import has_substitute, identity
from forkresize.pool import NothingYet
from forkresize.store import STATE_DIR, LocalStore, is_reserved

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

CheckOutput = Callable[[Source, Output], Outcome]

_SOURCES = LocalStore("")


class Classified(Struct, frozen=True):
    """One source: the job of making its outputs, if needed, and the outcomes of others; in a dry run, of all."""

    job: Job | None
    outcomes: list[Outcome]


def classify(
    plan: "RunPlan", all_found: Iterable[Listed], check_output: CheckOutput
) -> Iterator[Classified | NothingYet]:
    """Yield the classification of each source of a run. A stop ends the search for further sources.

    Args:
        plan: the run.
        all_found: what the walk finds.
        check_output: returns Planned for an output that has to be made, otherwise its outcome without work.
    """
    if plan.collisions.duplicates:
        all_found = _deduplicate_sources(all_found, plan.collisions.duplicates)
    for found in all_found:
        if isinstance(found, NothingYet):
            yield found
        elif plan.includes(found):
            if isinstance(found, Source):
                yield _classify_source(plan, found, check_output)
            else:
                yield Classified(None, [found])
        elif plan.stop():
            return


def _classify_source(plan: "RunPlan", source: Source, check_output: CheckOutput) -> Classified:
    outputs = plan.outputs(source)
    if other := plan.collisions.skipped.get(source.path) or _find_namesake(source, outputs):
        return Classified(None, [Outcome(OutputRef(source), Skipped(Reason.COLLISION, f"{other} has it"))])
    planned: list[Output] = []
    outcomes: list[Outcome] = []
    for output in outputs:
        outcome = _classify_output(plan, source, output, check_output)
        if isinstance(outcome.detail, Planned):
            planned.append(output)
            if not plan.settings.dry_run:
                continue
        outcomes.append(outcome)
    if len(outcomes) > 1:
        outcomes = _deduplicate_outcomes(outcomes)
    if not planned:
        return Classified(None, outcomes)
    if plan.settings.dry_run:
        outcomes = _preview(plan, source, outcomes)
    return Classified(Job(source, tuple(planned)), outcomes)


def _find_namesake(source: Source, outputs: Sequence[Output]) -> str | None:
    """Return the path of another source that has the name of this one's output, such as IMG_1.HEIC.jpg; or None."""
    # Most keys are the very text of the source.
    is_renamed = outputs[0].key is not source.relative and has_substitute(source.path)
    for output in outputs if is_renamed else ():
        added = output.key.removeprefix(source.relative)
        if added != output.key and os.path.lexists(source.path + added):
            return source.path + added
    return None


def _classify_output(plan: "RunPlan", source: Source, output: Output, check_output: CheckOutput) -> Outcome:
    if error := _refusal(plan, source, output):
        ref = OutputRef(source, plan.store.location(output.key), output.rendition)
        return Outcome(ref, Failed(Reason.NOT_WRITTEN, error))
    return check_output(source, output)


def _refusal(plan: "RunPlan", source: Source, output: Output) -> str | None:
    """Return why nothing may be written at an output's path; None if it may."""
    if plan.guard is not None and plan.guard.forbids(plan.store.location(output.key), source.path):
        return "output path is inside a source directory"
    if is_reserved(output.key):
        return f"output path is inside {STATE_DIR}, which is reserved"
    return None


def _preview(plan: "RunPlan", source: Source, outcomes: list[Outcome]) -> list[Outcome]:
    """Return the outcomes of a source that would be decoded, judged by its first bytes alone."""
    try:
        if plan.backend.may_be_picture(source):
            return outcomes
    except OSError as error:
        return [Outcome(OutputRef(source), Failed(Reason.UNREADABLE, describe(error)))]
    return [Outcome(OutputRef(source), Skipped(Reason.NOT_A_PICTURE))]


def _deduplicate_outcomes(outcomes: list[Outcome]) -> list[Outcome]:
    """Leave out all but the first outcome that covers all outputs of the source."""
    first = next((outcome for outcome in outcomes if outcome.destination is None), None)
    return [outcome for outcome in outcomes if outcome.destination is not None or outcome is first]


def _deduplicate_sources(found: Iterable[Listed], duplicates: frozenset[str]) -> Iterator[Listed]:
    """Leave out sources that the walk found before under another spelling."""
    seen: set[str] = set()
    for each in found:
        same = identity(each.path) if isinstance(each, Source) else ""
        if same not in seen:
            yield each
        if same in duplicates:
            seen.add(same)


def looks_like_image(path: str) -> bool:
    """Return whether a file's content begins like a picture's, or can't be read: a worker will report that."""
    try:
        return is_local_picture(path)
    except OSError:
        return True


def is_local_picture(path: str) -> bool:
    """Return whether a file's content begins like a picture's.

    Raises:
        OSError: it cannot be read.
    """
    with _SOURCES.open(path) as file:
        return is_picture(file.read(HEAD_LENGTH), path)


def head_of_only_file(plan: "RunPlan") -> bytes:
    """Return the first bytes of a local file if it is the only source; otherwise, or if it cannot be read, none."""
    named = plan.discovery.named if plan.settings.files_from is None else ()
    if len(named) != 1 or not os.path.isfile(named[0]):
        return b""
    try:
        with _SOURCES.open(named[0]) as file:
            return file.read(HEAD_LENGTH)
    except OSError:
        return b""  # A worker will report that.
