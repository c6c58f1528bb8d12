"""Whether traces are sent, and which: the ordinary ``OTEL_*`` variables."""

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from forkresize.extras import install_command
from forkresize.telemetry.sampling import DEFAULT_RATIO, Sampling

EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PARENT = "TRACEPARENT"
"""The variable in which a program that starts this one, such as a CI job, hands over the context of its span."""

_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_SAMPLER = "OTEL_TRACES_SAMPLER"
_ARGUMENT = "OTEL_TRACES_SAMPLER_ARG"
_PARENT_BASED = "parentbased_"

Warn = Callable[[str], object]
"""Is called with what is wrong, for people."""


def is_requested(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether traces are asked for: by an exporter, or by the address of a collector."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get(EXPORTER, "").strip().lower()
    return exporter != "none" if exporter else any(environment.get(name, "").strip() for name in ENDPOINTS)


def read_sampling(environment: Mapping[str, str], warn: Warn) -> Sampling | None:
    """Return which traces are sent; None if none are: they are not asked for, or cannot be sent.

    Args:
        environment: the variables.
        warn: is called with the reason if they are asked for and cannot be sent.
    """
    if not is_requested(environment):
        return None
    if problem := _find_problem(environment):
        warn(f"no traces are sent: {problem}")
        return None
    sampling = _sampling(environment, warn)
    return None if sampling.is_off else sampling


def _find_problem(environment: Mapping[str, str]) -> str | None:
    exporter = environment.get(EXPORTER, "").strip().lower()
    if exporter not in {"", "otlp"}:
        return f"{EXPORTER}={exporter} is not supported: use otlp or none"
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _PROTOCOL)
    if protocol != _PROTOCOL:
        hint = f"use {_PROTOCOL}, which collectors take on port 4318"
        return f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not supported: {hint}"
    if find_spec("opentelemetry") is None:
        return f"the extra 'otel' is missing: {install_command('otel')}"
    return None


def _sampling(environment: Mapping[str, str], warn: Warn) -> Sampling:
    name = environment.get(_SAMPLER, "").strip().lower()
    if not name:
        return Sampling()
    follows_parent, sampler = name.startswith(_PARENT_BASED), name.removeprefix(_PARENT_BASED)
    if sampler == "always_on":
        return Sampling(1.0, follows_parent)
    if sampler == "always_off":
        return Sampling(0.0, follows_parent, is_off=True)
    if sampler == "traceidratio":
        return Sampling(_ratio(environment, warn), follows_parent)
    warn(f"{_SAMPLER}={name} is not supported: one success in {round(1 / DEFAULT_RATIO)} is traced, and every failure")
    return Sampling()


def _ratio(environment: Mapping[str, str], warn: Warn) -> float:
    text = environment.get(_ARGUMENT, "1").strip()
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if 0 <= ratio <= 1:
        return ratio
    warn(f"{_ARGUMENT}={text} is not supported: use a number from 0 to 1; every success is traced")
    return 1.0
