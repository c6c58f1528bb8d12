"""Write what the documentation generates from declarations: the manual page, tables, pages of options.

python -m docs.generate [DOCS]
"""

import sys
from pathlib import Path

from docs.generate.chart_page import CHART_PAGE, chart_page, experiments_table
from docs.generate.daemon_manual import daemon_manual
from docs.generate.daemon_page import PAGE, daemon_page, url_tables
from docs.generate.kept import metadata_table, mode_table
from docs.generate.manual_page import manual_page
from docs.generate.option_pages import FOLDER, option_pages
from docs.generate.tables import options_table, recipe_tables, system_calls_table
from forkresize.gateway.access.table import format_table

MANUAL = "reference/forkresize.1"
DAEMON_MANUAL = "reference/forkresized.1"
TITLE = "\n.TH "


def write_all(docs: Path) -> None:
    """Write everything below a directory, which has the pages with tables."""
    write_manual(docs / MANUAL, manual_page())
    write_manual(docs / DAEMON_MANUAL, daemon_manual())
    (docs / PAGE).write_text(daemon_page(), encoding="utf-8")
    (docs / CHART_PAGE).write_text(chart_page(), encoding="utf-8")
    for name, tables in make_tables().items():
        text = (docs / name).read_text(encoding="utf-8")
        for marker, table in tables.items():
            begin, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
        (docs / name).write_text(text, encoding="utf-8")
    (docs / FOLDER).mkdir(exist_ok=True)
    for name, page in option_pages().items():
        (docs / FOLDER / name).write_text(page, encoding="utf-8")


def write_manual(path: Path, page: str) -> None:
    """Write a manual page, unless only what docutils puts above its title would change."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if page.rpartition(TITLE)[2] != old.rpartition(TITLE)[2]:
        path.write_text(page, encoding="utf-8")


def make_tables() -> dict[str, dict[str, str]]:
    """Return the tables by their pages, and by the markers between which they are."""
    return {
        "howto/chaos.md": {"experiments": experiments_table()},
        "reference/settings.md": {"options": options_table()},
        "reference/recipes.md": recipe_tables(),
        "reference/kept.md": {"kept pixels": mode_table(), "kept metadata": metadata_table()},
        "reference/gateway-access.md": {"roles": format_table().rstrip()},
        "reference/picture-urls.md": url_tables(),
        "explanation/sandbox.md": {"system calls": system_calls_table()},
    }


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent)
