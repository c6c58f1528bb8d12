"""systemd accepts the units in deploy/, which use only existing options and restrict what services can do."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from forkresize.cli.options.catalog import PANELS
from forkresize.pool.sandbox import syscalls
from tests.deploy.daemon_options import parse_daemon
from tests.deploy.ending import find_gateway_time, find_picture_time, parse_seconds, read_time_limit

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("forkresize*.service"))
FLAGS = {flag for options in PANELS.values() for option in options for flag in option.flags}

EXPOSURES = {"forkresized-gateway.service": 1.3, "forkresized-node.service": 1.3}
"""The highest exposures, of 10, by ``systemd-analyze security``; 1.0 for units without network."""

DAEMON_ENVIRONMENT = {
    "FORKRESIZE_CLUSTER": "amqp://broker/",
    "FORKRESIZE_LEDGER": "postgresql://db/pictures",
}

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a command and a user that exist on this machine."""
    for path in [*UNITS, DEPLOY / "forkresize.timer"]:
        text = re.sub("/usr/local/bin/forkresized?", "/bin/true", path.read_text())
        text = re.sub("^User=.*", "User=daemon", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(re.sub("^Documentation=.*\n", "", text, flags=re.MULTILINE))
    return tmp_path


def find_command(unit: Path) -> list[str]:
    """Return the words of the command that a unit runs."""
    text = unit.read_text().replace("\\\n", "")
    (line,) = re.findall("^ExecStart=(.*)$", text, re.MULTILINE)
    return shlex.split(line)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_all_options_exist(unit: Path) -> None:
    program, *arguments = find_command(unit)
    if program.endswith("forkresized"):
        assert parse_daemon(arguments, DAEMON_ENVIRONMENT)
    else:
        assert {word for word in arguments if word.startswith("--")} <= FLAGS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_names_the_manual_of_its_program(unit: Path) -> None:
    assert f"\nDocumentation=man:{Path(find_command(unit)[0]).name}(1)\n" in unit.read_text()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_has_the_time_that_its_program_takes_to_end(unit: Path) -> None:
    (text,) = re.findall("^TimeoutStopSec=(.*)$", unit.read_text(), re.MULTILINE)
    program, *arguments = find_command(unit)
    if program.endswith("forkresize"):
        needed = find_picture_time(read_time_limit(arguments))
    elif arguments[0] == "node":
        needed = find_picture_time(parse_daemon(arguments, DAEMON_ENVIRONMENT)["timeout"])
    else:
        needed = find_gateway_time(parse_daemon(arguments, DAEMON_ENVIRONMENT))
    # More would let a program that hangs delay the end of the machine.
    assert needed <= parse_seconds(f"{text}s") <= needed + 15


@needs_systemd
@pytest.mark.parametrize("name", ["forkresize.timer", *(unit.name for unit in UNITS)])
def test_systemd_accepts_the_units(name: str, units: Path) -> None:
    result = subprocess.run(
        ["systemd-analyze", "verify", units / name],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Failed to connect" in result.stderr or (result.returncode, result.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_services_have_a_low_exposure(unit: Path, units: Path) -> None:
    threshold = round(10 * EXPOSURES.get(unit.name, 1.0))
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", units / unit.name],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout


def expand(name: str) -> set[str]:
    """Return the system calls of a set of systemd."""
    command = ["systemd-analyze", "syscall-filter", name]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    words = {line.strip() for line in result.stdout.splitlines()[1:] if line.strip() and "#" not in line}
    return {call for word in words for call in (expand(word) if word.startswith("@") else {word})}


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_filter_of_a_service_permits_what_the_sandbox_calls(unit: Path) -> None:
    permitted = expand("@default")
    for line in re.findall("^SystemCallFilter=(.*)$", unit.read_text(), re.MULTILINE):
        words = line.removeprefix("~").split()
        calls = {call for word in words for call in (expand(word) if word.startswith("@") else {word})}
        permitted = permitted - calls if line.startswith("~") else permitted | calls
    needed = {name for group in [*syscalls.GROUPS.values(), syscalls.MEMFDS] for name in group}
    landlock = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    # Workers drop their capabilities, set limits, and lower their priority before they filter their own calls.
    assert needed | landlock | {"seccomp", "prctl", "capset", "prlimit64", "setpriority"} <= permitted


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_goes_on_when_the_kernel_kills_a_worker(unit: Path) -> None:
    text = unit.read_text()
    assert "\nMemoryMax=" in text
    assert "\nOOMPolicy=continue\n" in text
