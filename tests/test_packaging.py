"""What is uploaded to a package index: the files of the wheel and of the sdist, the metadata, and the description."""

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from email.message import Message
from pathlib import Path

import pytest

from forkresize import __version__

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://git.example/owner/forkresize"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DATA = {"forkresize/py.typed", "forkresize/image/watermark/NotoSans.ttf", "forkresize/report/html/assets/report.css"}
"""Some files of the package that are not Python code."""

LICENSES = {"LICENSE", "forkresize/image/watermark/OFL.txt", "forkresize/report/html/assets/uPlot.LICENSE"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a distribution is built from a clone"),
]


def build(source: Path, target: Path, *options: str, repository: str = REPOSITORY) -> Path:
    """Build a distribution of a source tree, and return its path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", target, *options],
        cwd=source,
        env={**os.environ, "SOURCE_REPOSITORY_URL": repository},
        check=True,
        capture_output=True,
        timeout=60,
    )
    [made] = target.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build(ROOT, tmp_path_factory.mktemp("wheel"), "--target", "wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(build(ROOT, tmp_path_factory.mktemp("sdist"), "--target", "sdist")) as archive:
        archive.extractall(folder, filter="data")
    [unpacked] = folder.iterdir()
    return unpacked


def metadata(wheel: zipfile.ZipFile) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def render(markdown: str, folder: Path) -> str:
    """Return the HTML that a package index makes of a description; one that it cannot render, it refuses."""
    (folder / "readme.md").write_text(markdown, encoding="utf-8")
    command = [sys.executable, "-m", "readme_renderer", "-f", "md", str(folder / "readme.md")]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return rendered.stdout


def description(message: Message) -> str:
    content = message.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def project_files() -> set[str]:
    """Return all files but those that git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert names == {name for name in project_files() if name.startswith("forkresize/")}
    assert names > DATA


def test_the_wheel_has_the_manual_pages_and_every_license(wheel: zipfile.ZipFile) -> None:
    parts = {name.partition("/")[2] for name in wheel.namelist()}
    assert {f"data/share/man/man1/{name}.1" for name in ("forkresize", "forkresized")} <= parts
    assert {f"licenses/{name}" for name in LICENSES} <= parts
    assert set(metadata(wheel).get_all("License-File", [])) == LICENSES
    assert metadata(wheel)["License-Expression"] == "MIT AND OFL-1.1"


def test_the_license_of_the_font_is_complete(wheel: zipfile.ZipFile) -> None:
    text = wheel.read("forkresize/image/watermark/OFL.txt").decode()
    assert "Copyright" in text.partition("SIL OPEN FONT LICENSE Version 1.1")[0]
    for part in ("PREAMBLE", "DEFINITIONS", "PERMISSION & CONDITIONS", "TERMINATION", "DISCLAIMER"):
        assert f"\n{part}\n" in text


def test_the_sdist_holds_no_file_that_git_ignores(sdist: Path) -> None:
    names = {str(path.relative_to(sdist)) for path in sdist.rglob("*") if path.is_file()}
    assert names - project_files() == {"PKG-INFO"}
    assert {"pyproject.toml", "LICENSE", "CITATION.cff", "hatch_build.py", "tests/conftest.py"} <= names


def test_a_wheel_of_the_sdist_is_the_same(wheel: zipfile.ZipFile, sdist: Path, tmp_path: Path) -> None:
    """Without the variable: what the sdist was built with is kept."""
    with zipfile.ZipFile(build(sdist, tmp_path / "wheel", "--target", "wheel", repository="")) as other:
        assert other.namelist() == wheel.namelist()
        assert {info.filename: info.CRC for info in other.infolist()} == {
            info.filename: info.CRC for info in wheel.infolist()
        }


def test_every_link_of_the_description_leads_to_the_repository(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    message = metadata(wheel)
    assert message["Description-Content-Type"].startswith("text/markdown")
    page = render(description(message), tmp_path)
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    own = [link.removeprefix(f"{REPOSITORY}/") for link in links if link.startswith(REPOSITORY)]
    assert len(own) > 10
    for kind, tag, path in (link.split("/", 2) for link in own):
        assert (kind, tag) == ("raw" if path.endswith((".svg", ".webp", ".png")) else "blob", f"v{message['Version']}")
        assert (ROOT / path.partition("#")[0]).exists()


def test_the_urls_name_the_repository_only_where_it_is_known(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    urls = metadata(wheel).get_all("Project-URL", [])
    assert {url.partition(",")[0] for url in urls} >= {"Homepage", "Documentation", "Changelog", "Source", "Issues"}
    assert all(url.partition(", ")[2].startswith(REPOSITORY) for url in urls)
    with zipfile.ZipFile(build(ROOT, tmp_path / "wheel", "--target", "wheel", repository="")) as local:
        assert metadata(local).get_all("Project-URL") is None
        assert description(metadata(local)).strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()


def test_the_classifiers_name_every_tested_python() -> None:
    classifiers = PYPROJECT["project"]["classifiers"]
    versions = re.findall(r"Python :: (3\.\d+)$", "\n".join(classifiers), re.MULTILINE)
    assert f">={versions[0]}" == PYPROJECT["project"]["requires-python"]
    assert f"for version in {' '.join(versions)}; do" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert classifiers == sorted(classifiers)


def test_the_citation_names_this_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def floors(requirements: Iterable[str]) -> dict[str, str]:
    """Return the oldest accepted versions by the names of the libraries."""
    return dict(re.findall(r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)", "\n".join(requirements), re.MULTILINE))


def test_the_reason_for_every_oldest_version_is_documented() -> None:
    page = (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| (?:`([a-z]+)` \| )?`([\w-]+)` \| ([\d.]+) \| \S", page, re.MULTILINE)
    plain = {library: version for extra, library, version in documented if not extra}
    assert plain == floors(PYPROJECT["project"]["dependencies"])
    extras = PYPROJECT["project"]["optional-dependencies"]
    for extra, library, version in documented:
        assert not extra or floors(extras[extra])[library] == version
