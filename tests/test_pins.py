"""What CI installs is pinned: a release of a package breaks no commit that did not ask for it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.pins import describe_environment, find_requirements, find_versions, read_pins

ROOT = Path(__file__).parent.parent
CI = (ROOT / ".ci/run").read_text()
PINS = ROOT / ".ci/requirements"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_constraints_pin_what_the_project_requires(version: str) -> None:
    environment = describe_environment(version, "x86_64")
    versions = find_versions(PINS / "constraints.txt", environment)
    for extra in ("test", "check", "docs"):
        for requirement in find_requirements(extra, environment):
            assert requirement.specifier.contains(versions[requirement.name.lower()]), f"{requirement}: run {PINS}/lock"


@pytest.mark.parametrize("path", sorted(PINS.glob("*.in")), ids=lambda path: path.stem)
def test_tools_are_pinned(path: Path) -> None:
    wanted = [Requirement(line) for line in path.read_text().splitlines() if not line.startswith("#")]
    pinned = {pin.name: pin.specifier for pin in read_pins(path.with_suffix(".txt"))}
    assert wanted
    for requirement in wanted:
        (pin,) = pinned[requirement.name]
        assert requirement.specifier.contains(pin.version), f"{requirement}: run {PINS}/lock"


def test_ci_installs_no_package_whose_version_is_open() -> None:
    """Pip takes files of pins, or the project with the constraints; npm takes exact versions."""
    assert len(re.findall(r"\bpip\"? install\b", CI)) == 2
    installs = re.findall(r"(?<=\n)\s*(.*)\binstall \S*\.venv-\S+ \S+ (.*)", CI)
    files = [words for _, words in installs if words.startswith("--requirement ")]
    assert {Path(words.split()[1]).stem for words in files} == {path.stem for path in PINS.glob("*.in")}
    others = [line for line in CI.splitlines() if "'.[" in line]
    assert len(others) == len(installs) - len(files) + 1 == 2
    assert all("constrain" in line for line in others)
    (packages,) = re.findall(r"npm install (.*?[^\\])\n", CI, re.DOTALL)
    names = [word for word in packages.replace("\\\n", " ").split() if not word.startswith(("-", "."))]
    assert names
    assert all(re.fullmatch(r"@?[^@]+@\d+\.\d+\.\d+", name) for name in names)


def test_a_linter_takes_new_versions_by_a_commit_of_its_own() -> None:
    """Also the hooks of pre-commit, which install it themselves."""
    assert all(Requirement(text).specifier.__str__().startswith("~=") for text in EXTRAS["check"])
    hooks = re.findall(r'"(ruff[^"]*)"', (ROOT / ".pre-commit-config.yaml").read_text())
    assert len(hooks) == 2
    assert set(hooks) <= set(EXTRAS["check"])
