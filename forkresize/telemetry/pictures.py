"""The spans of a picture, made from its outcomes: what was done for it, and when."""

import time
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from forkresize.outcome import Execution, Failed, Outcome, Skipped, Written
from forkresize.telemetry.context import TraceContext
from forkresize.telemetry.span import MAX_TEXT, Attribute, Span, known
from forkresize.urls import redact


def has_failed(outcomes: Sequence[Outcome]) -> bool:
    """Return whether an output of a picture could not be made."""
    return any(isinstance(each.detail, Failed) for each in outcomes)


def is_skipped(outcomes: Sequence[Outcome]) -> bool:
    """Return whether nothing was made of a source, on purpose: it may not be a picture."""
    return all(isinstance(each.detail, Skipped) for each in outcomes)


def trace_picture(outcomes: Sequence[Outcome], context: TraceContext, parent: TraceContext | None = None) -> list[Span]:
    """Return the spans of a picture: the whole, and below it fetch, queue, decode, resize, encode and put.

    The times of a worker are its own. It works on one thing after another; if there are several renditions, or frames,
    decoding, resizing and encoding take turns, and their spans show how long each took in total.

    Args:
        outcomes: all that there are for one source.
        context: of the picture's span.
        parent: its parent.
    """
    execution = outcomes[0].execution
    below = [
        Span(
            name=phase.name,
            context=context.child(),
            parent=context.span_id,
            started=phase.started,
            ended=phase.ended,
            attributes=phase.attributes,
        )
        for phase in find_phases(outcomes)
    ]
    starts = [span.started for span in below] + [execution.started] * bool(execution.started)
    ends = [span.ended for span in below]
    if execution.started:
        ends.append(execution.started + execution.seconds)
    now = time.time()
    whole = Span(
        name="picture",
        context=context,
        parent="" if parent is None else parent.span_id,
        started=min(starts, default=now),
        ended=max(ends, default=now),
        attributes=_describe(outcomes, execution),
        error=describe_failure(outcomes),
    )
    return [whole, *below]


def describe_failure(outcomes: Sequence[Outcome]) -> str:
    """Return why outputs of a picture failed; empty if none did."""
    failed = next((each.detail for each in outcomes if isinstance(each.detail, Failed)), None)
    if failed is None:
        return ""
    return f"{failed.reason}: {redact(failed.error)}"[:MAX_TEXT] if failed.error else str(failed.reason)


def _describe(outcomes: Sequence[Outcome], execution: Execution) -> dict[str, Attribute]:
    source = outcomes[0].source
    failed = next((each.detail for each in outcomes if isinstance(each.detail, Failed)), None)
    made = next((each.detail for each in outcomes if isinstance(each.detail, Written)), None)
    attributes = known(
        source=redact(source.path),
        source_bytes=source.size,
        source_format=None if made is None else made.in_format,
        source_width=None if made is None else made.in_size[0],
        source_height=None if made is None else made.in_size[1],
        outputs=len(outcomes),
        attempts=execution.attempts,
        worker=None if execution.worker is None else str(execution.worker),
        signal=None if failed is None else failed.signal,
    )
    return attributes if failed is None else {**attributes, "error.type": str(failed.reason)}


class Phase(Struct, frozen=True):
    """What was done for a picture.

    Attributes:
        name: ``queue``, ``fetch``, ``decode``, ``resize``, ``encode`` or ``put``.
        started: in seconds since the epoch.
        ended: in seconds since the epoch.
        attributes: details.
    """

    name: str
    started: float
    ended: float
    attributes: dict[str, Attribute] = {}


def find_phases(outcomes: Sequence[Outcome]) -> Iterator[Phase]:
    """Yield what was done for a picture, from all of its outcomes; see ``trace_picture``."""
    execution = outcomes[0].execution
    for stage in execution.stages:
        yield Phase(stage.name, stage.started, max(stage.started, stage.ended))
    made = [(each.rendition, each.detail) for each in outcomes if isinstance(each.detail, Written)]
    if not (execution.started and made):
        return
    at = execution.started
    _, first = made[0]
    for name, seconds in (("decode", first.decode_seconds), ("resize", first.resize_seconds)):
        yield Phase(name, at, at + seconds)
        at += seconds
    for rendition, detail in made:
        yield Phase("encode", at, at + detail.encode_seconds, _describe_output(rendition, detail))
        at += detail.encode_seconds


def sum_phases(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    """Return the seconds of each phase of a picture by name, as ``find_phases`` finds them; it is called for each."""
    execution = outcomes[0].execution
    seconds: dict[str, float] = {}
    for stage in execution.stages:
        seconds[stage.name] = seconds.get(stage.name, 0.0) + max(0.0, stage.ended - stage.started)
    made = [each.detail for each in outcomes if isinstance(each.detail, Written)]
    if execution.started and made:
        seconds["decode"], seconds["resize"] = made[0].decode_seconds, made[0].resize_seconds
        seconds["encode"] = sum(each.encode_seconds for each in made)
    return seconds


def _describe_output(rendition: int, detail: Written) -> dict[str, Attribute]:
    width, height = detail.out_size
    return known(
        rendition=rendition,
        format=detail.out_format,
        width=width,
        height=height,
        bytes=detail.out_bytes,
        quality=detail.quality,
    )
