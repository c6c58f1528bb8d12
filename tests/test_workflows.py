"""The workflows and forms in .github: what linters do not know about this project."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CI = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
RELEASE = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_with_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)( # v\d+\.\d+\.\d+)?", path.read_text(encoding="utf-8"))
    assert used
    for action, version in used:
        assert action.startswith("./") or (version and re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", action)), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_has_a_time_limit_and_permissions_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "\npermissions: {}\n" in text
    for job in re.split(r"^  (?=\w+:\n)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]:
        assert "\n    permissions:\n" in job, job
        assert "\n    timeout-minutes: " in job or "\n    uses: ./" in job, job


def test_one_action_has_one_version() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, commit in re.findall(r"uses: ([\w/-]+)@(\S+)", path.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(commit)
    assert {action: commits for action, commits in pins.items() if len(commits) > 1} == {}


def test_every_supported_python_is_tested_on_every_system() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = re.findall(r"Python :: (3\.\d+)\n", "\n".join(pyproject["project"]["classifiers"]) + "\n")
    listed = re.search(r"^ +python: \[(.*)\]$", CI, re.MULTILINE)
    systems = re.search(r"^ +os: \[(.*)\]$", CI, re.MULTILINE)
    assert listed
    assert systems
    assert re.findall(r'"(.*?)"', listed[1]) == versions
    assert [re.sub(r"-\d+(\.\d+)?", "", system) for system in systems[1].split(", ")] == [
        "ubuntu",
        "ubuntu-arm",
        "macos",
    ]
    assert "-alpine" in CI


def test_only_a_tested_version_is_published() -> None:
    publish = RELEASE.partition("\n  publish:\n")[2].partition("\n  announce:\n")[0]
    assert "needs: [ci, build]" in publish
    assert "password" not in RELEASE
    assert "secrets." not in RELEASE
