"""Every module has a test file of its name, or is covered by a suite that CONTRIBUTING lists."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = [
    str(path.relative_to(ROOT / "forkresize").with_suffix(""))
    for path in sorted((ROOT / "forkresize").rglob("*.py"))
    if path.name != "__init__.py"
]
TABLE = (ROOT / "CONTRIBUTING.md").read_text().partition("<!-- suites -->")[2]
ROWS = re.findall(r"^\| `(tests/[^`]+)` \| (`.*`) \|$", TABLE, re.MULTILINE)
COVERED = [(suite, pattern) for suite, patterns in ROWS for pattern in re.findall("`([^`]+)`", patterns)]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test_file_or_a_suite(module: str) -> None:
    folder, _, name = module.rpartition("/")
    has_own = (ROOT / "tests" / folder / f"test_{name}.py").exists()
    assert has_own or any(fnmatch(module, pattern) for _, pattern in COVERED)


@pytest.mark.parametrize(("suite", "pattern"), COVERED)
def test_a_listed_suite_and_the_modules_that_it_covers_exist(suite: str, pattern: str) -> None:
    assert (ROOT / suite).exists()
    assert any(fnmatch(module, pattern) for module in MODULES)
