"""How long the programs take to end, by their own settings. Deployments have to leave them this time."""

import inspect
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from forkresize.cli.options.catalog import PANELS
from forkresize.cli.types import DURATION
from forkresize.gateway import server
from forkresize.gateway.runs.supervisor import Policy
from forkresize.telemetry.export import CLOSE_SECONDS

_PUTTING = 25.0
"""Seconds for outputs to be put and chunks to be returned. A node that is killed then loses nothing."""


def find_gateway_time(options: Mapping[str, Any]) -> float:
    """Return the seconds that a gateway takes at most from SIGTERM to its end.

    They are for requests, batches, pictures to be put (a store has the time of a request), and traces.

    Args:
        options: of ``forkresized gateway``, by their parameters.
    """
    batches = inspect.signature(Policy).parameters["grace"].default
    requests = options["timeout"] + server._GRACE  # noqa: SLF001 -- no program needs it.
    return float(requests + batches + options["timeout"] + CLOSE_SECONDS)


def find_picture_time(timeout: float) -> float:
    """Return the seconds that a node or a run takes from SIGTERM to its end, for the pictures in its workers.

    Args:
        timeout: the time limit for a picture, in seconds.

    Raises:
        AssertionError: there is no limit.
    """
    assert timeout > 0, "without a time limit for pictures, no time is enough"
    return timeout + _PUTTING + CLOSE_SECONDS


def read_time_limit(arguments: Sequence[str]) -> float:
    """Return the time limit for a picture, in seconds, of a command line of ``forkresize``."""
    (option,) = [each for options in PANELS.values() for each in options if "--timeout" in each.flags]
    words = dict(word.split("=", 1) for word in arguments if word.startswith("--") and "=" in word)
    words |= dict(pairwise(arguments))
    assert option.default is not None
    return parse_seconds(words.get("--timeout", option.default))


def parse_seconds(text: str) -> float:
    """Return a duration such as ``150s`` or ``2m30s`` in seconds."""
    parts = re.findall(r"\d+[a-z]?", text)
    assert "".join(parts) == text
    return sum(float(DURATION.convert(part, None, None)) for part in parts)
