"""Events as lines of a log: JSON for programs, or text for people."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_BARE = re.compile(r"[\w./:+%,@-]+", re.ASCII)
"""Values that need no quotes in the text format."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters of an event that would end its line, or change a terminal."""

FormatEvent = Callable[[str, str, Mapping[str, object]], str]
"""Returns the line of an event, without its end, from its level, its name and its fields."""


def format_text(level: str, event: str, fields: Mapping[str, object]) -> str:
    """Return time, level and event, then the fields as ``name=value``, quoted as JSON where necessary."""
    parts = [f"{name}={_text_value(value)}" for name, value in fields.items()]
    line = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", event)
    return " ".join([datetime.now(UTC).isoformat(timespec="milliseconds"), f"{level:<7}", line, *parts])


def format_json(level: str, event: str, fields: Mapping[str, object]) -> str:
    """Return level, event, fields and time as a JSON object."""
    return json.dumps({"level": level, "event": event, **fields, "time": datetime.now(UTC).isoformat()})


def _text_value(value: object) -> str:
    text = str(value)
    if isinstance(value, int | float):
        return text
    return text if _BARE.fullmatch(text) else json.dumps(value)


FORMATS: Mapping[str, FormatEvent] = {"json": format_json, "text": format_text}
