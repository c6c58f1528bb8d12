"""The text of the page, with all its styles and scripts."""

import json
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from forkresize import units
from forkresize._version import __version__
from forkresize.report.html.data import Page, display_name
from forkresize.report.terminal.plain import printable

_ASSETS = {
    "chart_style": "uPlot.min.css",
    "chart_script": "uPlot.iife.min.js",
    "style": "report.css",
    "script": "report.js",
}


def render_page(page: Page) -> str:
    """Return the text of the page; all names in it are escaped."""
    template = _environment().get_template("template.html.j2")
    assets = {part: _asset(file) for part, file in _ASSETS.items()}
    return template.render(page=page, summary=page.summary, assets=assets, version=__version__)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("forkresize.report.html", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "name": display_name,
        "printable": printable,
        "lines": lambda text: "\n".join(map(printable, text.splitlines())),
        "size": lambda count: units.format_size(count).replace(" ", "\N{NO-BREAK SPACE}"),
        "span": units.format_duration,
        "change": units.format_change,
        "count": "{:,}".format,
        "percent": "{:.0%}".format,
    }
    environment.policies["json.dumps_function"] = json.dumps
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment


def _asset(file: str) -> str:
    return resources.files("forkresize.report.html").joinpath("assets", file).read_text("utf-8")
