"""Packages that are used if they are installed: OptionalPackage."""

import os
import re
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from msgspec import Struct

_METADATA = ".dist-info"


class OptionalPackage(Struct, frozen=True):
    """A package that is used if it is installed.

    Attributes:
        extra: the extra of forkresize that installs it.
        distribution: its name in package indexes.
        module: the module to import.
        register: the function that registers it with Pillow; None if importing is enough.
        changes_output: whether outputs differ with it and without it.
    """

    extra: str
    distribution: str
    module: str
    register: str | None = None
    changes_output: bool = True

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported."""
        return find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Its version, from the name of the directory of its metadata.

        ``importlib.metadata`` reads it from a file, and loads a parser of mails for that, a tenth of a start. It is
        asked where there is no such directory.

        Raises:
            importlib.metadata.PackageNotFoundError: it is not installed, or was not installed by an installer.
        """
        spec = find_spec(self.module)
        # Names are written in different ways: https://packaging.python.org/en/latest/specifications/name-normalization/
        start = re.sub(r"[-_.]+", "_", self.distribution).lower() + "-"
        if spec is not None and spec.origin is not None:
            folder = os.path.dirname(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)
            for name in os.listdir(folder):
                if name.lower().startswith(start) and name.endswith(_METADATA):
                    return name[len(start) : -len(_METADATA)]
        from importlib.metadata import version

        return version(self.distribution)

    def load(self) -> ModuleType | None:
        """Return its module; None if it is not installed."""
        try:
            return import_module(self.module)
        except ImportError:
            return None
