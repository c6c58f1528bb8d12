"""The validators of the IIIF find that the Image API is that of level 2."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.gateway.conftest import Gateway, run_gateway
from tests.servers.program import find_program

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.xdist_group("iiif")]

NAME = "67352ccc-d1b0-11e1-89ae-279075081939.png"
"""Of the picture that the validators expect; each of its squares has its own color."""

IDENTIFIER = f"photos%2F{NAME}"

SQUARES = "import json, iiif_validator.validator as found; print(json.dumps(found.ValidationInfo().colorInfo))"

DEADLINE = 240


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.fixture(scope="module")
def validator() -> str:
    """The program of iiif-validator 1.0.5."""
    return find_program("iiif-validate.py", "iiif-validator (from PyPI, in an environment of its own)")


@pytest.fixture(scope="module")
def gateway(validator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that serves the picture of the validators."""
    folder = tmp_path_factory.mktemp("validators")
    printed = run(str(Path(validator).with_name("python")), "-c", SQUARES).stdout
    picture = Image.new("RGB", (1000, 1000))
    for across, column in enumerate(json.loads(printed.splitlines()[-1])):
        for down, color in enumerate(column):
            picture.paste(tuple(color), (100 * across, 100 * down, 100 * across + 100, 100 * down + 100))
    picture.save(folder / NAME)
    with run_gateway("--root", f"photos={folder}", "--unsigned", "--workers", "2") as found:
        yield found


def test_iiif_validator_passes_at_level_2(gateway: Gateway, validator: str) -> None:
    server = gateway.url.removeprefix("http://").rstrip("/")
    options = ("--version=3.0", "--level=2", "-s", server, "-p", "iiif/3", "-i", IDENTIFIER)
    found = run(str(Path(validator).with_name("python")), validator, *options)
    printed = found.stdout + found.stderr
    assert "Done (33 tests, 0 failures)" in printed, printed
    assert found.returncode == 0


def test_iiif_validator_ng_passes_at_level_2_and_for_all_extras(gateway: Gateway) -> None:
    script = Path(__file__).with_name("validate_ng.py")
    found = run(find_modern_python(), str(script), f"{gateway.url}iiif/3", IDENTIFIER)
    assert found.returncode == 0, found.stderr
    results = json.loads(found.stdout)
    failures = [(test, text) for test, passed, text in results if not passed]
    assert len(results) >= 105
    # Of size ^max, the validator expects the size of the source. The specification wants the largest size that
    # maxWidth, maxHeight and maxArea permit, 5000 x 5000; test_request.py checks that.
    # Of random regions in random angles, it compares the empty corners too, and expects them to be black. The
    # specification leaves their color to the server.
    assert {test for test, _ in failures} - {"RotationRegionNon90Test"} == {"SizeUpTest"}, failures


def find_modern_python() -> str:
    """Return the interpreter of the environment with iiif-validator-ng, which needs Python 3.12."""
    program = find_program("iiif-validator", "iiif-validator-ng (from PyPI, in an environment with Python 3.12)")
    return os.fspath(Path(program).with_name("python"))
