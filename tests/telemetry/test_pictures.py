"""The spans of a picture have the times of its outcomes."""

import os
import time

import pytest
from msgspec.structs import replace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource

from forkresize.job import Source
from forkresize.outcome import Execution, Failed, Outcome, OutputRef, Reason, Stage, Written
from forkresize.telemetry.context import TraceContext
from forkresize.telemetry.export import to_readable
from forkresize.telemetry.pictures import trace_picture
from forkresize.telemetry.span import MAX_TEXT, Span
from forkresize.telemetry.spool import Spool, read_spans

SOURCE = Source("s3://photos/a.jpg", "a.jpg", 1000, 0)
EXECUTION = Execution(
    1, 42, 0.7, 100.5, (Stage("fetch", 100.0, 100.2), Stage("queue", 100.25, 100.5), Stage("put", 101.3, 101.4))
)
CONTEXT = TraceContext.new()


def written(rendition: int, encode: float) -> Outcome:
    detail = Written(
        out_bytes=10,
        in_size=(300, 200),
        out_size=(30, 20),
        in_format="jpeg",
        out_format="webp",
        decode_seconds=0.1,
        resize_seconds=0.2,
        encode_seconds=encode,
    )
    return Outcome(OutputRef(SOURCE, f"s3://web/{rendition}.webp", rendition), detail, EXECUTION)


def times(spans: list[Span]) -> list[tuple[str, float, float]]:
    return [(span.name, round(span.started, 6), round(span.ended, 6)) for span in spans]


def test_phases_follow_one_another_from_the_start_of_the_worker() -> None:
    spans = trace_picture([written(0, 0.1), written(1, 0.3)], CONTEXT)
    assert times(spans) == [
        ("picture", 100.0, 101.4),
        ("fetch", 100.0, 100.2),
        ("queue", 100.25, 100.5),
        ("put", 101.3, 101.4),
        ("decode", 100.5, 100.6),
        ("resize", 100.6, 100.8),
        ("encode", 100.8, 100.9),
        ("encode", 100.9, 101.2),
    ]
    picture, *below = spans
    assert picture.context == CONTEXT
    assert {span.parent for span in below} == {CONTEXT.span_id}
    assert len({span.context.span_id for span in spans}) == len(spans)
    assert below[-1].attributes == {
        "forkresize.rendition": 1,
        "forkresize.format": "webp",
        "forkresize.width": 30,
        "forkresize.height": 20,
        "forkresize.bytes": 10,
    }


def test_failure_has_its_reason_and_no_secrets() -> None:
    url = "https://user:password@host/a.jpg?X-Amz-Signature=secret"
    detail = Failed(Reason.CRASHED, f"{'x' * MAX_TEXT}", signal="SIGSEGV")
    outcome = Outcome(OutputRef(replace(SOURCE, path=url)), detail, EXECUTION)
    picture = trace_picture([outcome], CONTEXT)[0]
    assert picture.error.startswith("worker crashed: xxx")
    assert len(picture.error) <= MAX_TEXT
    assert picture.attributes["error.type"] == "worker crashed"
    assert picture.attributes["forkresize.signal"] == "SIGSEGV"
    assert "secret" not in repr(picture)
    assert "password" not in repr(picture)


def test_failure_before_any_work_has_the_present_time() -> None:
    before = time.time()
    (picture,) = trace_picture([Outcome(OutputRef(SOURCE), Failed(Reason.UNREADABLE))], CONTEXT)
    assert before <= picture.started == picture.ended <= time.time()
    assert picture.error == "cannot be read"


@pytest.mark.parametrize("path", ["/in/\udcff.jpg", "in/a\x00b"])
def test_names_that_are_not_text_can_be_sent(path: str) -> None:
    failed = Failed(Reason.UNREADABLE, f"{path}: vanished")
    spans = trace_picture([Outcome(OutputRef(replace(SOURCE, path=path)), failed, EXECUTION)], CONTEXT)
    spool = Spool("forkresize")
    spool.add(spans)
    assert spool._file is not None  # noqa: SLF001 -- it was written.
    with spool._file as file:  # noqa: SLF001
        file.seek(0)
        assert list(read_spans(os.dup(file.fileno()))) == spans
    resource = Resource({})
    assert encode_spans([to_readable(span, resource) for span in spans]).SerializeToString()
