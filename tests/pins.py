"""What files of pinned packages hold, and what pyproject.toml asks for."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


def read_pins(path: Path) -> list[Requirement]:
    """Return what a file pins, without the hashes.

    Raises:
        AssertionError: a line does not name exactly one version.
    """
    text = path.read_text().replace("\\\n", "")
    pins = [Requirement(line.split(" --hash=")[0]) for line in text.splitlines() if not line.startswith("#")]
    assert all([one.operator for one in pin.specifier] == ["=="] for pin in pins)
    return pins


def find_versions(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the versions that a file pins by the names of the packages, where markers see the environment."""
    return {
        pin.name.lower(): str(pin.specifier).removeprefix("==")
        for pin in read_pins(path)
        if pin.marker is None or pin.marker.evaluate(dict(environment))
    }


def find_requirements(extra: str, environment: Mapping[str, str]) -> Iterator[Requirement]:
    """Yield what pyproject.toml requires for an extra, with what that extra itself requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"][extra]]:
        requirement = Requirement(text)
        if requirement.name == "forkresize":
            for other in requirement.extras:
                yield from find_requirements(other, environment)
        elif requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            yield requirement


def describe_environment(version: str, machine: str) -> dict[str, str]:
    """Return what markers see in CPython of this version, such as 3.13, on Linux on this machine."""
    environment = {name: str(value) for name, value in default_environment().items()}
    python = {"python_version": version, "python_full_version": f"{version}.5"}
    return environment | python | {"sys_platform": "linux", "platform_machine": machine, "extra": ""}
