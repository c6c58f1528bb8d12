"""Which traces are sent, from the ordinary variables."""

import pytest

from forkresize.telemetry.context import TraceContext
from forkresize.telemetry.sampling import DEFAULT_RATIO, Sampling
from forkresize.telemetry.settings import is_requested, read_sampling

OTLP = {"OTEL_TRACES_EXPORTER": "otlp"}


@pytest.mark.parametrize(
    ("environment", "requested"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "photos"}, False),
        (OTLP, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**OTLP, "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_traces_are_sent_if_an_exporter_or_a_collector_is_named(environment: dict[str, str], requested: bool) -> None:
    assert is_requested(environment) is requested
    assert (read_sampling(environment, pytest.fail) is not None) is requested


@pytest.mark.parametrize(
    ("sampler", "argument", "expected"),
    [
        (None, None, Sampling(DEFAULT_RATIO)),
        ("always_on", None, Sampling(1.0, follows_parent=False)),
        ("parentbased_always_on", None, Sampling(1.0)),
        ("traceidratio", "0.25", Sampling(0.25, follows_parent=False)),
        ("parentbased_traceidratio", "0", Sampling(0.0)),
        ("traceidratio", None, Sampling(1.0, follows_parent=False)),
        ("always_off", None, None),
        ("parentbased_always_off", None, None),
    ],
)
def test_samplers_are_those_of_the_specification(
    sampler: str | None, argument: str | None, expected: Sampling | None
) -> None:
    named = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    environment = {**OTLP, **{name: value for name, value in named.items() if value is not None}}
    assert read_sampling(environment, pytest.fail) == expected


@pytest.mark.parametrize(
    ("variables", "warning", "ratio"),
    [
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER=jaeger_remote is not supported", DEFAULT_RATIO),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, "OTEL_TRACES_SAMPLER_ARG=2", 1.0),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG=nan", 1.0),
    ],
)
def test_what_is_not_supported_is_a_warning(variables: dict[str, str], warning: str, ratio: float) -> None:
    warnings: list[str] = []
    sampling = read_sampling({**OTLP, **variables}, warnings.append)
    assert sampling is not None
    assert sampling.ratio == ratio
    assert [warning in text for text in warnings] == [True]


def test_a_share_of_the_requests_and_pictures_is_sampled() -> None:
    sampling = Sampling(0.25)
    run = sampling.begin_run(None)
    pictures = [sampling.begin_picture(run) for _ in range(2000)]
    assert {picture.trace_id for picture in pictures} == {run.trace_id}
    assert 400 < sum(picture.is_sampled for picture in pictures) < 600
    assert 400 < sum(sampling.begin_trace(None).is_sampled for _ in range(2000)) < 600


def test_the_sender_decides_unless_the_sampler_is_not_based_on_parents() -> None:
    yes, no = TraceContext.new(), TraceContext.new(is_sampled=False)
    assert Sampling(0.0).begin_trace(yes).is_sampled
    assert not Sampling(1.0).begin_trace(no).is_sampled
    assert not Sampling(1.0).begin_run(no).is_sampled
    assert not Sampling(1.0).begin_picture(no).is_sampled
    assert Sampling(1.0, follows_parent=False).begin_trace(no).is_sampled
    assert not Sampling(0.0, follows_parent=False).begin_trace(yes).is_sampled
    assert Sampling(1.0).begin_trace(yes).trace_id == yes.trace_id
