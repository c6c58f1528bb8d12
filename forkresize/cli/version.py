"""The answer to --version. Loads nothing that it does not tell of."""

import platform

from forkresize._version import __version__


def version_text() -> str:
    """Return the version of forkresize, of Python, and of each codec, a line each."""
    from forkresize.image import codecs

    parts = {"Python": platform.python_version(), **codecs()}
    width = max(map(len, parts))
    return "\n".join([f"forkresize {__version__}", *(f"  {name:<{width}}  {value}" for name, value in parts.items())])
