"""How to install an extra: the command depends on where forkresize itself was installed from."""

import os

import msgspec

from forkresize._version import __version__

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""A clone, or the directory of installed packages."""


def _find_origin() -> str:
    """Return what pip installed: a directory, or the name on a package index.

    A package that was not installed from an index has a file with its origin beside it (PEP 610).
    """
    if os.path.exists(os.path.join(_ROOT, "pyproject.toml")):
        return _ROOT
    record = os.path.join(_ROOT, f"forkresize-{__version__}.dist-info", "direct_url.json")
    from urllib.parse import unquote, urlsplit

    try:
        with open(record, "rb") as file:
            found = urlsplit(msgspec.json.decode(file.read(), type=_DirectUrl).url)
    except (OSError, ValueError):
        return "forkresize"
    folder = unquote(found.path)
    return folder if found.scheme == "file" and os.path.isdir(folder) else "forkresize"


class _DirectUrl(msgspec.Struct):
    url: str


# Here, because a worker in its sandbox cannot read it later.
_ORIGIN = _find_origin()


def install_command(extra: str) -> str:
    """Return the command that installs an extra, such as ``pip install 'forkresize[heif]'``."""
    import shlex

    return f"pip install {shlex.quote(f'{_ORIGIN}[{extra}]')}"
