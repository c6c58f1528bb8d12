"""One option before it is given to a command. Holds no option."""

from typing import Any


class Option:
    """An option before it is given to a command: its names, and what click is told of it."""

    def __init__(self, *names: str, **attributes: Any) -> None:
        self.names = names
        self.attributes = attributes
