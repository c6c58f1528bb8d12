"""Add the readme and the URLs of the project to the metadata of a distribution.

The variable ``SOURCE_REPOSITORY_URL`` says where the repository is, for example ``https://github.com/OWNER/NAME``. The
release workflow sets it. Without it, a distribution has no URLs, and the links of its readme stay relative.
"""

import os
import re
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)(\[[^\]]*\]\()(?![a-z]+:|#)")
"""A Markdown link or picture whose target is a path in the repository."""


class ReadmeAndUrls(MetadataHookInterface):
    """The hook that the build calls."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme`` and ``urls``; of links in the readme, those to files lead to the tag of this version."""
        repository = os.environ.get("SOURCE_REPOSITORY_URL", "").rstrip("/")
        with open(os.path.join(self.root, "README.md"), encoding="utf-8") as file:
            text = file.read()
        if repository:
            text = absolute_links(text, repository, f"v{metadata['version']}")
            metadata["urls"] = urls(repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def absolute_links(text: str, repository: str, tag: str) -> str:
    """Return Markdown whose relative links lead to files of a tag: pages to read, and pictures to show."""

    def replace(link: re.Match[str]) -> str:
        kind = "raw" if link[1] else "blob"
        return f"{link[1]}{link[2]}{repository}/{kind}/{tag}/"

    return LINK.sub(replace, text)


def urls(repository: str) -> dict[str, str]:
    """Return the addresses that the page of the project shows."""
    return {
        "Homepage": repository,
        "Documentation": f"{repository}#readme",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Source": repository,
        "Issues": f"{repository}/issues",
    }
