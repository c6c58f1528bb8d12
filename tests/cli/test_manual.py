"""The manual page, the generated tables and the reference of the options match the declarations."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from docs.generate.daemon_page import list_contexts
from docs.generate.examples import EXAMPLES
from forkresize.cli.options.catalog import PANELS
from forkresize.daemon.command import commands

DOCS = Path(__file__).parents[2] / "docs"


def read_pages(docs: Path) -> Mapping[str, str]:
    """Return the texts below a directory, by their paths; without what changes with the writer of the manual page."""
    pages = (path for path in docs.rglob("*") if path.suffix in {".md", ".1"})
    return {str(page.relative_to(docs)): page.read_text(encoding="utf-8").rpartition("\n.TH ")[2] for page in pages}


@pytest.mark.slow
def test_generated_pages_are_up_to_date(tmp_path: Path) -> None:
    copy = tmp_path / "docs"
    shutil.copytree(DOCS, copy, ignore=shutil.ignore_patterns("images", "generate", "options"))
    subprocess.run([sys.executable, "-m", "docs.generate", copy], cwd=DOCS.parent, check=True, timeout=60)
    new, old = read_pages(copy), read_pages(DOCS)
    assert [name for name in old if new.get(name) != old[name]] == [], "out of date; run python -m docs.generate"
    assert sorted(new) == sorted(old)


@pytest.mark.parametrize("panel", PANELS)
def test_every_option_has_an_example_that_uses_it(panel: str) -> None:
    examples = EXAMPLES[panel]
    assert sorted(examples) == sorted(option.key for option in PANELS[panel])
    for option in PANELS[panel]:
        assert {*option.flags} & {*examples[option.key].split()}, option.key


def test_the_page_of_the_programs_that_run_long_is_ascii_and_has_every_command_and_option() -> None:
    page = (DOCS / "reference/forkresized.1").read_text(encoding="ascii")
    with commands.make_context("forkresized", [], resilient_parsing=True) as parent:
        for ctx in list_contexts(parent, commands):
            assert f".SS {ctx.command_path.removeprefix('forkresized ')}\n" in page.replace('"', "")
            for param in ctx.command.params:
                assert all(f"\\fB{flag}" in page.replace("\\-", "-") for flag in param.opts if flag.startswith("--"))


def test_the_page_is_ascii_and_has_every_section() -> None:
    page = (DOCS / "reference/forkresize.1").read_text(encoding="ascii")
    sections = [line.removeprefix(".SH ").strip('"') for line in page.splitlines() if line.startswith(".SH ")]
    assert sections == "Name,Synopsis,Description,Options,Environment,Files,Exit status,Examples".split(",")
