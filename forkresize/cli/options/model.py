"""One option before it is given to a command, and how each place where it may be set spells it. Holds no option."""

import re
from typing import Any

PREFIX = "FORKRESIZE_"
"""What the names of environment variables begin with."""

_PRINTING = frozenset({"completion", "doctor", "show-config", "show-recipe"})
"""What prints something and exits is asked for by a flag alone."""

_CHOOSING = frozenset({"config", "preset"})
"""What says which settings are read can't be one of them."""


class Option:
    """An option before it is given to a command: its names, and what click is told of it."""

    def __init__(self, *names: str, **attributes: Any) -> None:
        self.names = names
        self.attributes = attributes

    @property
    def flags(self) -> tuple[str, ...]:
        """Every name it has on a command line, those that say no after those that say yes."""
        return tuple(flag for name in sorted(self.names, key=len) if name[0] == "-" for flag in name.split("/"))

    @property
    def key(self) -> str:
        """Its key in a settings file: the long name that says yes, such as ``max-depth``."""
        return next(flag for flag in self.flags if flag.startswith("--")).removeprefix("--")

    @property
    def takes_no_value(self) -> bool:
        """Whether its name alone says all on a command line."""
        return bool(self.attributes.get("is_flag") or self.attributes.get("count") or self.opposite)

    @property
    def opposite(self) -> str | None:
        """The key that would say no; None where there is none."""
        pair = next((name for name in self.names if "/" in name), None)
        return pair and pair.rpartition("--")[2]

    @property
    def field(self) -> str:
        """What click calls its value."""
        return next((name for name in self.names if name.isidentifier()), self.key.replace("-", "_"))

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it; None where none does."""
        return None if self.key in _PRINTING else PREFIX + self.key.upper().replace("-", "_")

    @property
    def in_files(self) -> bool:
        """Whether a settings file may say it."""
        return self.key not in _PRINTING | _CHOOSING

    @property
    def default(self) -> str | None:
        """What it is where nobody says it, as a person would write it; None for nothing."""
        told = re.search(r"\[default: (.*)\]$", self.attributes.get("help", ""))
        value = told[1] if told else self.attributes.get("default")
        if isinstance(value, bool) or self.attributes.get("is_flag"):
            return "true" if value else "false"
        return None if value is None else str(value)
