"""One option before it is given to a command, and how each place that may set it spells it."""

import re
from functools import cached_property
from typing import Any

PREFIX = "FORKRESIZE_"
"""The beginning of the names of environment variables."""

_PRINTING = frozenset({"completion", "doctor", "show-config", "show-recipe"})
"""Options that print something and exit: only a flag can ask for them."""

_CHOOSING = frozenset({"config", "preset"})
"""Options that choose the settings to read, so a settings file cannot hold them."""


class Option:
    """An option before it is given to a command: its names, and the attributes of a click option."""

    def __init__(self, *names: str, aliases: tuple[str, ...] = (), **attributes: Any) -> None:
        self.names = names
        self.aliases = aliases
        """More long flags of the same option, which other programs have."""
        self.attributes = attributes

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """All its flags, those that say no after those that say yes."""
        names = (*sorted(self.names, key=len), *self.aliases)
        return tuple(flag for name in names if name[0] == "-" for flag in name.split("/"))

    @cached_property
    def key(self) -> str:
        """Its key in a settings file: the long flag that says yes, such as ``max-depth``."""
        return next(flag for flag in self.flags if flag.startswith("--")).removeprefix("--")

    @property
    def takes_no_value(self) -> bool:
        """Whether a flag alone sets it."""
        return bool(self.attributes.get("is_flag") or self.attributes.get("count") or self.opposite)

    @property
    def opposite(self) -> str | None:
        """The flag that says no, without hyphens in front; None if there is none."""
        pair = next((name for name in self.names if "/" in name), None)
        return pair and pair.rpartition("--")[2]

    @cached_property
    def field(self) -> str:
        """The name of its value in click."""
        return next((name for name in self.names if name.isidentifier()), self.key.replace("-", "_"))

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it; None if there is none."""
        return None if self.key in _PRINTING else PREFIX + self.key.upper().replace("-", "_")

    @cached_property
    def in_files(self) -> bool:
        """Whether a settings file may set it."""
        return self.key not in _PRINTING | _CHOOSING

    @property
    def default(self) -> str | None:
        """Its default, as a person would write it; None if it has none."""
        found = re.search(r"\[default: (.*)\]$", self.attributes.get("help", ""))
        value = found[1] if found else self.attributes.get("default")
        if isinstance(value, bool) or self.attributes.get("is_flag"):
            return "true" if value else "false"
        return None if value is None else str(value)


def flag(name: str) -> str:
    """Return the flag of an option, given the name of its value."""
    return f"--{name.replace('_', '-')}"
