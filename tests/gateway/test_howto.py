"""The commands in the guide of the gateway run, in their order."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.gateway.imgproxy.signature import Signer, SigningKey
from tests.gateway.conftest import Gateway, run_gateway

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/howto/gateway.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^<!-- run -->\n```(\w+)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
FILES = re.findall(r"^```\w+\n(# ([\w-]+\.toml)\n.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
PORT = "8080"
PROGRAM = "forkresized gateway "


def interpret(language: str, block: str, folder: Path) -> None:
    """Run a block."""
    if language == "js":
        (folder / "block.mjs").write_text(block)
    command = {"sh": ["bash", "-euo", "pipefail", "-c", block], "js": ["node", "block.mjs"]}[language]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"


@contextlib.contextmanager
def start(line: str, folder: Path) -> Iterator[Gateway]:
    """Run the gateway that a command starts, on a port of its own."""
    arguments = line.removeprefix(PROGRAM).replace(f" --port {PORT}", "").split()
    with run_gateway("--workers", "1", *arguments, cwd=folder) as gateway:
        yield gateway


@pytest.mark.skipif(not shutil.which("node") or not shutil.which("openssl"), reason="install node and openssl")
def test_the_commands_run_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copy(ROOT / "examples/pictures/dawn.jpg", tmp_path / "photos/portrait.jpg")
    for text, name in FILES:
        (tmp_path / name).write_text(text)
    with contextlib.ExitStack() as stack:
        port = PORT
        for language, block in BLOCKS:
            if block.startswith(PROGRAM):
                stack.close()
                joined = block.replace("\\\n", " ").strip()
                port = stack.enter_context(start(joined, tmp_path)).url.split(":")[2].strip("/")
            else:
                interpret(language, block.replace(PORT, port), tmp_path)
    assert len(BLOCKS) >= 14
    made = {path.name: path.read_bytes()[8:12] for path in tmp_path.glob("*.webp")}
    assert made == dict.fromkeys(("small.webp", "signed.webp", "thumb.webp", "kept.webp", "upload.webp"), b"WEBP")


def test_the_example_in_python_signs_as_the_gateway_does() -> None:
    [block] = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=60, check=True)
    path = re.findall(r'sign\("(/[^"]+)"', block)[0]
    assert done.stdout.strip() == Signer([SigningKey(b"k" * 32, b"s" * 32)]).url(path)
