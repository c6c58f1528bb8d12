"""Requests that are generated from the OpenAPI document are answered as it says, valid and invalid ones."""

import subprocess
from pathlib import Path

from forkresize.gateway.access.api_keys import create_key
from tests.gateway.conftest import StartGateway
from tests.servers.program import find_program, uses

pytestmark = uses("schemathesis")

EXAMPLES = 10
"""Requests that are generated for each operation, in each of several ways."""

SECONDS = 100

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def test_the_gateway_answers_as_its_document_says(photos: Path, start_gateway: StartGateway, tmp_path: Path) -> None:
    program = find_program("schemathesis", "schemathesis with pip")
    key = create_key("tests", "admin")
    (tmp_path / "api-keys").write_text(f"{key.line}\n")
    places = [
        "--root",
        f"photos={photos}",
        "--destination",
        "web=./web",
        "--state-dir",
        "./state",
        "--batch-workers",
        "1",
    ]
    gateway = start_gateway(*places, "--unsigned", "--api-keys", "api-keys", "--workers", "1", cwd=tmp_path)
    # DELETE cancels a run, which stays in the list.
    checks = "--checks all --exclude-checks use_after_free"
    options = f"{checks} --max-examples {EXAMPLES} --seed 1 --workers 2 --continue-on-failure --no-color"
    command = [program, f"--config-file={CONFIGURATION}", "run", f"{gateway.url}openapi.json", *options.split()]
    done = subprocess.run(
        [*command, "--header", f"Authorization: Bearer {key.key}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
