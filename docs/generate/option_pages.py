"""The reference of the options: one page for each help panel, in Markdown."""

import re
from collections.abc import Iterator

from docs.generate.examples import EXAMPLES
from docs.generate.manual_page import describe_value
from docs.generate.operations import examples_by_option
from docs.generate.tables import make_table
from forkresize.cli.options.catalog import PANELS
from forkresize.cli.options.model import Option

FOLDER = "reference/options"
"""Where the pages are, below ``docs/``."""

INTRODUCTIONS = {
    "Size": "The size of each output. [Change pictures](../../howto/pictures.md#sizes) compares them.",
    "Operations": "What is done to each picture, besides the resize. The order is fixed: see "
    "[operations and their order](../../howto/pictures.md#operations-and-their-order).",
    "Output": "The format, quality, metadata and names of the outputs.",
    "Selection": "Which files are processed. [Select sources](../../howto/selection.md) has examples.",
    "Repeat runs": "What a run does about the outputs of earlier runs. "
    "[Repeat runs](../../explanation/repeat-runs.md) explains how it decides.",
    "Workers": "The worker processes, and the limits of a run and of each picture.",
    "Cluster": "Runs on many machines. [On a cluster](../../howto/cluster.md) has the steps, and "
    "[what a cluster guarantees](../../explanation/guarantees.md) explains what happens if one dies.",
    "Reporting": "What a run prints and writes about itself. [Reports](../../howto/reports.md) shows the files.",
    "Settings": """Where settings come from. [Settings](../settings.md) explains files, environment and presets.
The example of `--preset` reads this file:

```toml
# presets.toml
[presets.web]
width = [400, 800]
format = ["avif", "webp"]
```""",
}
"""The first sentences of each page, by help panel."""


def option_pages() -> dict[str, str]:
    """Return the pages by their file names."""
    return {f"{page_name(panel)}.md": "\n".join(_page(panel)) for panel in PANELS}


def page_name(panel: str) -> str:
    """Return the name of the page of a help panel, without its suffix."""
    return panel.lower().replace(" ", "-")


def _page(panel: str) -> Iterator[str]:
    yield from (f"# Options: {panel}", "", INTRODUCTIONS[panel], "")
    for option in PANELS[panel]:
        yield from _section(panel, option)


def _section(panel: str, option: Option) -> Iterator[str]:
    text = re.sub(r" \[default: .*\]$", "", str(option.attributes["help"]))
    yield from (f"## `--{option.key}`", "", escape(text), "")
    yield from (make_table(("", ""), _facts(option)), "")
    yield from ("```sh", _example(panel, option), "```", "")
    if option.key in examples_by_option():
        yield from (f"![Results of --{option.key}](../../images/options/{option.key}.webp)", "")


def _example(panel: str, option: Option) -> str:
    if option.key not in EXAMPLES.get(panel, {}):
        raise SystemExit(f"no example of --{option.key}: add one to docs/generate/examples.py, under {panel!r}")
    return EXAMPLES[panel][option.key]


def _facts(option: Option) -> Iterator[tuple[str, str]]:
    value = describe_value(option)
    yield "usage", ", ".join(f"`{flag}{value and f' {value}'}`" for flag in option.flags)
    if option.default not in {None, "false"} or not option.takes_no_value:
        yield "default", f"`{option.default}`" if option.default else "none"
    if option.variable:
        yield "environment", f"`{option.variable}`"
    if option.in_files:
        yield "settings file", f"`{option.key}`"


def escape(text: str) -> str:
    """Return text without syntax of Markdown or HTML, and with flags as code."""
    return re.sub(r"(?<!\w)(--[a-z][a-z-]*)", r"`\1`", re.sub(r"([\\`*_<>\[\]{}|])", r"\\\1", text))
