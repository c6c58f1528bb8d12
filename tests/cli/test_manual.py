"""The manual page and the generated tables match the options."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_generated_pages_are_up_to_date(tmp_path: Path) -> None:
    pages = ("reference/settings.md", "reference/recipes.md", "explanation/sandbox.md")
    names = ("reference/forkresize.1", *pages)
    for folder in ("explanation", "reference"):
        (tmp_path / folder).mkdir()
    for name in pages:
        (tmp_path / name).write_text((DOCS / name).read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(
        [sys.executable, DOCS / "generate/manual.py", *(tmp_path / name for name in names)], check=True, timeout=60
    )
    for name in names:
        # Above its title are macros, which change with what writes them.
        new, old = (path.read_text(encoding="utf-8").rpartition("\n.TH ")[2] for path in (tmp_path / name, DOCS / name))
        assert new == old, f"{name} is out of date; run docs/generate/manual.py"


def test_the_page_is_ascii_and_has_every_section() -> None:
    page = (DOCS / "reference/forkresize.1").read_text(encoding="ascii")
    sections = [line.removeprefix(".SH ").strip('"') for line in page.splitlines() if line.startswith(".SH ")]
    assert sections == "Name,Synopsis,Description,Options,Environment,Files,Exit status,Examples".split(",")
