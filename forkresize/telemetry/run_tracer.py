"""The observer that traces a run: its span, and those of its pictures."""

import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from forkresize.errors import describe
from forkresize.observer import Observer
from forkresize.outcome import Failed, Outcome
from forkresize.summary import Summary
from forkresize.telemetry.context import TraceContext
from forkresize.telemetry.pictures import has_failed, is_skipped, trace_picture
from forkresize.telemetry.sampling import Sampling
from forkresize.telemetry.span import MAX_TEXT, Attribute, Span, known
from forkresize.telemetry.spool import Spool


class RunTracer(Observer):
    """Trace a run, and send the trace when the context ends, after the pool; see ``Spool``.

    Nothing that goes wrong has an effect on the run: it is only a warning.

    Args:
        sampling: which pictures are traced.
        parent: the span that started the run, if any.
        attributes: of the run.
        warn: is called with what goes wrong, for people.
    """

    wants_unchanged = False

    def __init__(
        self,
        sampling: Sampling,
        parent: TraceContext | None,
        attributes: Mapping[str, Attribute],
        warn: Callable[[str], object],
    ) -> None:
        self.context = sampling.begin_run(parent)
        """Of the run's span."""
        self._parent = parent
        self._sampling = sampling
        self._attributes = attributes
        self._warn = warn
        self._spool: Spool | None = Spool("forkresize")
        self._started = time.time()
        self._group: list[Outcome] = []
        self._has_failed = False
        self._summary: Summary | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_picture()
        if self.context.is_sampled or self._has_failed or error is not None:
            self._write([self._root(error)], is_last=True)
        if self._spool is None:
            return
        if self._spool.dropped:
            self._warn(f"{self._spool.dropped} spans of the trace were dropped: a run sends a limited number")
        self._spool.send(self._warn)

    def on_outcome(self, outcome: Outcome) -> None:
        """Collect the outcomes of one source, which come one after another."""
        if self._group and outcome.source is not self._group[0].source:
            self._end_picture()
        # A node of a cluster, whose name is a text, sends the traces of its pictures itself.
        is_of_node = isinstance(outcome.execution.worker, str)
        if not is_of_node and (outcome.execution.attempts or isinstance(outcome.detail, Failed)):
            self._group.append(outcome)

    def on_finish(self, summary: Summary) -> None:
        """Keep the summary of a run that was not ended by an error."""
        self._summary = summary

    def _end_picture(self) -> None:
        group, self._group = self._group, []
        if is_skipped(group):
            return
        context = self._sampling.begin_picture(self.context)
        failed = has_failed(group)
        self._has_failed |= failed
        if context.is_sampled or failed:
            self._write(trace_picture(group, context, self.context))

    def _write(self, spans: list[Span], *, is_last: bool = False) -> None:
        if self._spool is None:
            return
        try:
            self._spool.add(spans, is_last=is_last)
        except OSError as error:
            self._spool = None
            self._warn(f"no traces are sent: {describe(error)}")

    def _root(self, error: BaseException | None) -> Span:
        summary = self._summary
        attributes = dict(self._attributes)
        if summary is not None:
            attributes |= known(
                sources=summary.sources,
                written=summary.written,
                unchanged=summary.unchanged,
                skipped=summary.skipped,
                failed=summary.failed,
                workers=summary.stats.workers,
                workers_lost=summary.stats.workers_lost,
                exit_code=int(summary.exit_code),
            )
        return Span(
            name="run",
            context=self.context,
            parent="" if self._parent is None else self._parent.span_id,
            started=self._started,
            ended=time.time(),
            attributes=attributes,
            error=_describe_end(summary, error),
        )


def find_traceparent(observers: Iterable[object]) -> str:
    """Return the context of a run's span, for those that work on it elsewhere; empty if no observer traces the run."""
    return next((each.context.traceparent for each in observers if isinstance(each, RunTracer)), "")


def _describe_end(summary: Summary | None, error: BaseException | None) -> str:
    if error is not None:
        return (str(error) or type(error).__name__)[:MAX_TEXT]
    if summary is not None and summary.exit_code:
        why = summary.stopped_by or summary.refused or f"{summary.failed} outputs failed"
        return f"exit code {int(summary.exit_code)}: {why}"[:MAX_TEXT]
    return ""
