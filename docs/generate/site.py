"""What the documentation site adds to the pages: its navigation, pages of the repository, links between Python names.

Sphinx loads it as an extension. The pages themselves are plain Markdown, which can be read in the repository, too.
"""

import posixpath
import re
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import forkresize
from forkresize.batch.remote.discovery import RemoteDiscovery
from forkresize.batch.remote.guard import PrefixGuard

ROOT = Path(__file__).parents[2]

REPOSITORY_PAGES = {
    "project/architecture": "ARCHITECTURE.md",
    "project/benchmarks": "benchmarks/README.md",
    "project/changelog": "CHANGELOG.md",
    "project/contributing": "CONTRIBUTING.md",
    "project/security": "SECURITY.md",
}
"""Files of the repository that replace a page of the site, which links to them."""

COMMON_TASKS = "\n## Common tasks\n"
"""The last section of the index."""

_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s:]+)\)")


def replace_source(_app: Sphinx, name: str, content: list[str]) -> None:
    """Add the navigation to the index, and replace the pages that stand for files of the repository."""
    if name == "index":
        content[0] += "\n".join(make_navigation(content[0]))
    elif name in REPOSITORY_PAGES:
        file = REPOSITORY_PAGES[name]
        relocate = partial(_relocate, posixpath.dirname(file))
        content[0] = _LINK.sub(relocate, (ROOT / file).read_text(encoding="utf-8"))


def make_navigation(index: str) -> list[str]:
    """Return a hidden table of contents for each section before the common tasks, with the pages that it links."""
    trees = []
    for title, section in _SECTION.findall(index.partition(COMMON_TASKS)[0]):
        pages = dict.fromkeys(re.findall(r"\]\(([\w/-]+)\.md\)", section))
        trees.append("\n".join(("", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", "")))
    return trees


def _relocate(folder: str, link: re.Match[str]) -> str:
    """Return a link of a file in a folder of the repository, as one of a page of ``docs/project``."""
    path, mark, anchor = link[1].partition("#")
    if not path:
        return link[0]
    target = posixpath.normpath(posixpath.join(folder, path))
    page = next((f"docs/{name}.md" for name, file in REPOSITORY_PAGES.items() if file == target), target)
    return f"]({posixpath.relpath(page, 'docs/project')}{mark}{anchor})"


def resolve_public_name(
    app: Sphinx, environment: BuildEnvironment, reference: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link the name of a class or function as where it is imported from, instead of where it is defined."""
    name = str(reference.get("reftarget", "")).rpartition(".")[2]
    if reference.get("refdomain") != "py" or name not in forkresize.__all__:
        return None
    domain = environment.domains.python_domain
    page = str(reference["refdoc"])
    found: Any = domain.resolve_any_xref(environment, page, app.builder, f"forkresize.{name}", reference, content)
    return found[0][1] if found else None


def omit_signature(*event: Any) -> tuple[str, None] | None:
    """Omit the arguments of a class: those of a class with many fields are its attributes, which are listed."""
    return ("", None) if event[1] == "class" else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to the build."""
    # Autodoc evaluates annotations, and only type checkers import these names there.
    vars(import_module("forkresize.batch.prepare")).update(PrefixGuard=PrefixGuard, RemoteDiscovery=RemoteDiscovery)
    app.connect("source-read", replace_source)
    app.connect("missing-reference", resolve_public_name)
    app.connect("autodoc-process-signature", omit_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
