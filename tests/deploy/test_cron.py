"""cron and logrotate accept the files in deploy/, which use only existing options."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from forkresize.cli.options.catalog import PANELS

DEPLOY = Path(__file__).parents[2] / "deploy"
LINES = (DEPLOY / "crontab").read_text().splitlines()
FLAGS = {flag for options in PANELS.values() for option in options for flag in option.flags}


def test_all_options_exist() -> None:
    commands = re.findall(r"^(?!#).*?forkresize (/.*)$", "\n".join(LINES), re.MULTILINE)
    assert commands
    assert {flag for command in commands for flag in re.findall(r"\s(--[a-z-]+)", command)} <= FLAGS


@pytest.mark.parametrize("line", [line for line in LINES if line and line[0] not in "#MP"])
def test_cron_lines_have_five_time_fields_and_no_percent_sign(line: str) -> None:
    assert re.fullmatch(r"([\d*/,-]+ ){5} ?forkresize /.*", line)
    assert "%" not in line


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
