"""cron, systemd and logrotate accept the files in deploy/, which use only existing options."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from forkresize.cli.options.catalog import PANELS

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = sorted(DEPLOY.glob("forkresize*.service"))
LINES = (DEPLOY / "crontab").read_text().splitlines()
FLAGS = {flag for options in PANELS.values() for option in options for flag in option.flags}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a command and a user that exist on this machine."""
    for path in [*UNITS, DEPLOY / "forkresize.timer"]:
        text = path.read_text().replace("/usr/local/bin/forkresize", "/bin/true")
        text = re.sub("^User=.*", "User=daemon", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(re.sub("^Documentation=.*\n", "", text, flags=re.MULTILINE))
    return tmp_path


@pytest.mark.parametrize("path", [DEPLOY / "crontab", *UNITS], ids=lambda path: path.name)
def test_all_options_exist(path: Path) -> None:
    text = path.read_text().replace("\\\n", "")
    commands = re.findall(r"^(?!#).*?forkresize (/.*)$", text, re.MULTILINE)
    assert commands
    assert {flag for command in commands for flag in re.findall(r"\s(--[a-z-]+)", command)} <= FLAGS


@pytest.mark.parametrize("line", [line for line in LINES if line and line[0] not in "#MP"])
def test_cron_lines_have_five_time_fields_and_no_percent_sign(line: str) -> None:
    assert re.fullmatch(r"([\d*/,-]+ ){5} ?forkresize /.*", line)
    assert "%" not in line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
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


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_services_have_an_exposure_of_at_most_one(unit: Path, units: Path) -> None:
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=10", units / unit.name],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.skipif(not shutil.which("logrotate"), reason="logrotate is not installed")
def test_logrotate_rotates_logs_and_compresses_reports(tmp_path: Path) -> None:
    for name in ("web.log", "web.jsonl"):
        (tmp_path / name).write_text("a line\n")
    owner = f"su {os.getuid()} {os.getgid()}"
    text = (DEPLOY / "logrotate").read_text().replace("/var/log/forkresize", str(tmp_path))
    (tmp_path / "settings").write_text(
        text.replace("su forkresize forkresize", owner.replace("su 0 0", "su root root"))
    )
    (tmp_path / "settings").chmod(0o644)
    tmp_path.chmod(0o755)
    command: list[str | Path] = ["logrotate", "--force", "--state", tmp_path / "state", tmp_path / "settings"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "web.log.1").exists()
    assert list(tmp_path.glob("web.jsonl-*.gz"))
    assert not (tmp_path / "web.log").exists()
