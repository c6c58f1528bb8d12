"""The style sheets, scripts and templates of the pages."""

import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from forkresize._version import __version__
from forkresize.gateway.problem import Problem
from forkresize.gateway.static import IMMUTABLE, Content

_PACKAGE = "forkresize.gateway.page"

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""By suffix."""


class Assets:
    """The style sheets and scripts. The version in their paths changes with any of them."""

    def __init__(self) -> None:
        folder = resources.files(_PACKAGE).joinpath("assets")
        self._contents = {
            file.name: Content(file.read_bytes(), media_type, caching=IMMUTABLE)
            for file in sorted(folder.iterdir(), key=lambda file: file.name)
            for suffix, media_type in MEDIA_TYPES.items()
            if file.name.endswith(suffix)
        }
        etags = "".join(content.etag for content in self._contents.values())
        self.version = hashlib.blake2b(etags.encode(), digest_size=8).hexdigest()

    @property
    def location(self) -> str:
        """The path below which they are."""
        return f"/assets/{self.version}"

    def find(self, version: str, name: str) -> Content:
        """Return a file.

        Raises:
            Problem: 404: there is none of this version and name.
        """
        content = self._contents.get(name) if version == self.version else None
        if content is None:
            raise Problem(404, f"there is no file {name!r} of this version")
        return content


@cache
def environment() -> Environment:
    """Return the environment of the templates, which escapes all values."""
    found = Environment(
        loader=PackageLoader(_PACKAGE, "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    found.globals["version"] = __version__
    return found


def render(template: str, assets: str, page: str, **values: Any) -> str:
    """Return the text of a page.

    Args:
        template: its file.
        assets: the path of the style sheets and scripts.
        page: the page's name, for the navigation.
        values: of the template.
    """
    return environment().get_template(template).render(assets=assets, page=page, **values)
