"""Options that give several values a name each, as in ``NAME=VALUE``."""

from collections.abc import Sequence

from forkresize.errors import FieldError


def parse_named(field: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the values of ``NAME=VALUE`` texts by name.

    Raises:
        FieldError: a text has another form, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator and value):
            raise FieldError(field, f"invalid value {text!r}: use NAME=VALUE")
        if name in found:
            raise FieldError(field, f"the name {name!r} is given twice")
        found[name] = value
    return found
