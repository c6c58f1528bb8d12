"""The command that installs an extra works from where forkresize was installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from forkresize import extras
from forkresize._version import __version__

ROOT = Path(__file__).parent.parent


def installed(packages: Path, url: str | None) -> str:
    """Return the command for a package that was installed from a URL, or from an index."""
    (packages / "forkresize").mkdir(parents=True)
    for name in ("__init__.py", "_version.py", "extras.py"):
        (packages / "forkresize" / name).write_text((ROOT / "forkresize" / name).read_text())
    info = packages / f"forkresize-{__version__}.dist-info"
    info.mkdir()
    if url is not None:
        (info / "direct_url.json").write_text(url)
    program = "import sys; sys.path.insert(0, sys.argv[1]); from forkresize import extras; "
    program += "print(extras.install_command('heif'), extras.__file__)"
    command = [sys.executable, "-c", program, str(packages)]
    text, _, file = subprocess.run(command, cwd=packages, capture_output=True, text=True, check=True).stdout.rpartition(
        " "
    )
    assert Path(file.strip()).is_relative_to(packages)
    return text


def test_a_clone_is_named() -> None:
    assert extras.install_command("heif") == f"pip install '{ROOT}[heif]'"


@pytest.mark.parametrize(
    ("record", "origin"),
    [
        (None, "forkresize"),
        ('{"url": "file://CLONE", "dir_info": {}}', "CLONE"),
        ('{"url": "file://CLONE-that-is-gone", "dir_info": {}}', "forkresize"),
        ('{"url": "https://example.com/forkresize.zip", "archive_info": {}}', "forkresize"),
        ("{", "forkresize"),
        ('{"url": 3}', "forkresize"),
    ],
)
def test_an_installed_package_names_what_it_was_installed_from(record: str | None, origin: str, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    found = installed(tmp_path / "packages", record and record.replace("CLONE", str(clone).replace(" ", "%20")))
    assert found == f"pip install '{origin.replace('CLONE', str(clone))}[heif]'"
