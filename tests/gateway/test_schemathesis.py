"""Requests that are generated from the OpenAPI document are answered as it says, valid and invalid ones."""

import subprocess
from pathlib import Path

from tests.gateway.conftest import StartGateway
from tests.servers.program import find_program, uses

pytestmark = uses("schemathesis")

EXAMPLES = 15
"""Requests that are generated for each operation, in each of several ways."""

SECONDS = 100

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def test_the_gateway_answers_as_its_document_says(photos: Path, start_gateway: StartGateway, tmp_path: Path) -> None:
    program = find_program("schemathesis", "schemathesis with pip")
    batches = ["--destination", f"web={tmp_path}/web", "--state-dir", f"{tmp_path}/state", "--batch-workers", "1"]
    gateway = start_gateway("--root", f"photos={photos}", "--unsigned", "--workers", "1", *batches)
    options = f"--checks all --max-examples {EXAMPLES} --seed 1 --workers 2 --continue-on-failure --no-color"
    done = subprocess.run(
        [program, f"--config-file={CONFIGURATION}", "run", f"{gateway.url}openapi.json", *options.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
