"""The answer to --version, a module of its own so that it loads little."""

import sys

from forkresize._version import __version__


def version_text() -> str:
    """Return the version of forkresize, of Python, and of each codec, a line each."""
    from forkresize.image.versions import codecs

    parts = {"Python": sys.version.split()[0], **codecs()}
    width = max(map(len, parts))
    return "\n".join([f"forkresize {__version__}", *(f"  {name:<{width}}  {value}" for name, value in parts.items())])
