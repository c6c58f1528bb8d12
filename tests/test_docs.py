"""The docs are true: they show every output option, and every command in them runs."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM

import pytest
from PIL import Image, ImageDraw, ImageFont

from forkresize import __all__ as public_names
from forkresize.cli.options.catalog import PANELS
from forkresize.exit_policy import SIGNAL_BASE, ExitCode
from forkresize.outcome import Reason
from forkresize.plan.naming import FIELDS
from forkresize.record import record
from tests.protocols import MakeOutcome

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
PARTS = 8
"""Tests that share the commands, so that they run side by side."""

_FILE = re.compile(r"# ([\w-]+\.(?:toml|py))\b")
"""The first line of a block that shows a file."""

_BLOCK = re.compile(r"^(<!-- session -->\n)?```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)

PICTURES = {
    "portrait.jpg": "portrait, turned by its EXIF tag.jpg",
    "raw/noon.jpg": "noon.jpg",
    "by-format/transparent.png": "by-format/transparent.png",
}
"""Sources of the commands, and the example that each is a small copy of."""
FOR_BUCKETS = {"cache-control", "metadata-header"}
OUTPUT_OPTIONS = [
    option.names
    for panel in ("Size", "Operations", "Output")
    for option in PANELS[panel]
    if option.key not in FOR_BUCKETS
]


def name_page(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(pages: Sequence[Path] = PAGES) -> Iterator[str]:
    """Yield fenced and indented blocks."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        yield from re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        yield from re.findall(r"^    (.*\n)", text, re.MULTILINE)


def commands(pages: Sequence[Path] = PAGES) -> list[str]:
    """Return the commands that run alone, without comments."""
    in_sessions = {block for page in pages for _, block in sessions(page)}
    texts = (block for block in blocks(pages) if block not in in_sessions)
    lines = (line.strip().partition("  #")[0].rstrip() for text in texts for line in text.splitlines())
    return sorted({line for line in lines if line.startswith("forkresize ") and "--watch" not in line})


def sessions(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the language and the text of the blocks to run: marked shell blocks, and Python examples."""
    text = page.read_text(encoding="utf-8")
    for mark, language, block in _BLOCK.findall(text):
        if (mark or language == "python") and not _FILE.match(block):
            yield language, block


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands read: small pictures, a logo, a font, and the recipe files in the docs."""
    folder = tmp_path_factory.mktemp("inputs")
    for name, picture in PICTURES.items():
        copy = folder / "in" / name
        copy.parent.mkdir(exist_ok=True, parents=True)
        with Image.open(ROOT / "examples/pictures" / picture) as image:
            image.thumbnail((400, 400))
            image.save(copy, exif=image.getexif())
    shutil.copytree(folder / "in", folder / "photos")
    logo = Image.new("RGBA", (60, 30))
    ImageDraw.Draw(logo).ellipse((0, 0, 59, 29), fill=(220, 30, 30, 200))
    logo.save(folder / "logo.png")
    font = ImageFont.load_default(12)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert isinstance(font.path, io.BytesIO)
    (folder / "font.ttf").write_bytes(font.path.getvalue())
    for block in blocks():
        named = _FILE.match(block)
        if named:
            (folder / named[1]).write_text(block, encoding="utf-8")
    return folder


def run_all(lines: Sequence[str], inputs: Path, work: Path) -> Iterator[tuple[str, int, str, str, Path]]:
    """Run each command in a copy of the inputs; yield it with its exit code, output, errors and folder."""
    folders = [work / str(number) for number in range(len(lines))]
    for folder in folders:
        shutil.copytree(inputs, folder)
    words = [[*takewhile(lambda word: word != ">", shlex.split(line, comments=True))][1:] for line in lines]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("many_commands.py")],
        input=json.dumps([*zip(map(str, folders), words, strict=True)]),
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    for line, folder, (code, output, errors) in zip(lines, folders, json.loads(done.stdout), strict=True):
        yield line, code, output, errors, folder


@pytest.mark.parametrize("names", OUTPUT_OPTIONS, ids=" ".join)
def test_the_how_to_has_a_command_for_every_output_option(names: tuple[str, ...]) -> None:
    given = {word for line in commands([ROOT / "docs/howto/pictures.md"]) for word in line.split()}
    assert {name for each in names for name in each.split("/") if name.startswith("--")} <= given


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_command_runs(part: int, inputs: Path, tmp_path: Path) -> None:
    for line, code, output, errors, folder in run_all(commands()[part::PARTS], inputs, tmp_path):
        assert code == 0, errors
        assert not errors or "-v" in line.split(), line
        assert output or {*folder.rglob("*")} - {folder / name.relative_to(inputs) for name in inputs.rglob("*")}, line


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in DOCS if any(sessions(page))], ids=name_page)
def test_every_session_runs(page: Path, inputs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "session"
    shutil.copytree(inputs, folder)
    programs = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for language, block in sessions(page):
        interpreter = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-W", "error", "-c"]
        done = subprocess.run(
            [*interpreter, block], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        # A progress bar is on standard error.
        assert (done.returncode, language == "sh" and done.stderr) in {(0, ""), (0, False)}, (
            f"{block}\n{done.stdout}{done.stderr}"
        )


@pytest.mark.slow
def test_the_web_application_answers(inputs: Path) -> None:
    script = """
from app import application
from io import BytesIO

for body in (open("in/portrait.jpg", "rb").read(), b"not a picture"):
    environ = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    print(application(environ, print)[0][:8])
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=inputs, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    ok, webp, refusal, reason = done.stdout.splitlines()
    assert ok.startswith("200 OK [('Content-Type', 'image/webp')")
    assert webp.startswith("b'RIFF")
    assert refusal.startswith("422 ")
    assert reason == "b'not a pi'"


def test_every_public_name_is_documented() -> None:
    page = (ROOT / "docs/reference/library.md").read_text(encoding="utf-8")
    named = re.findall(r"^\.\. auto\w+:: forkresize\.(\w+)$", page, re.MULTILINE)
    assert sorted(named) == sorted({*public_names} - {"__version__"})


def test_every_field_of_a_name_is_listed() -> None:
    page = (ROOT / "docs/howto/pictures.md").read_text(encoding="utf-8")
    [sentence] = re.findall(r"^The fields of `--name` are (.*?)\.\s", page, re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"`\{(\w+)\}`", sentence)) == sorted(FIELDS)


def test_every_extra_is_listed() -> None:
    page = (ROOT / "docs/howto/install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page.partition("## Extras")[2], re.MULTILINE)
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(rows) == sorted({*pyproject["project"]["optional-dependencies"]} - {"check", "docs", "test"})


def test_every_reason_is_explained_and_no_other() -> None:
    page = (ROOT / "docs/howto/failures.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z][^|]*) \|", page.partition("## Why a picture failed")[2], re.MULTILINE)
    assert sorted({*rows} - {"reason"}) == sorted(reason.value for reason in Reason)


def test_every_field_of_a_record_is_explained_and_no_other(written: MakeOutcome) -> None:
    page = (ROOT / "docs/reference/records.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page.partition("## The fields")[2], re.MULTILINE)
    assert sorted(re.findall("`([a-z_]+)`", " ".join(rows))) == sorted(record(written()))


def test_every_exit_code_is_explained_and_no_other() -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    explained = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE) for code in row.split(",")}
    assert explained == {*map(int, ExitCode), *(SIGNAL_BASE + number for number in (SIGHUP, SIGINT, SIGTERM))}


ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_files_in_the_architecture_exist() -> None:
    tasks = ARCHITECTURE.partition("## To change X")[2].partition("## Glossary")[0]
    paths = re.findall(r"`([a-z_/]+(?:\.py|/))`", tasks.replace("`forkresize/`", ""))
    assert len(paths) > 40
    # The package has none of the files for deployment.
    places = [ROOT / ("" if path.startswith("deploy/") else "forkresize") / path for path in paths]
    assert [str(place) for place in places if not place.exists()] == []


def test_the_architecture_shows_the_checked_layers() -> None:
    shown = ARCHITECTURE.partition("<!-- layers -->\n")[2].partition("\n\n")[0]
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    checked = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert [line.strip() for line in shown.splitlines()] == checked


def find_anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page."""
    titles = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def find_links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each link to a file of the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" not in target:
            yield ((page.parent / path).resolve() if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_link_has_a_target(page: Path) -> None:
    for target, anchor in find_links(page):
        assert target.exists(), target
        assert not anchor or anchor in find_anchors(target), f"{target}#{anchor}"


def test_every_page_is_reachable_from_the_index() -> None:
    found: set[Path] = set()
    pending = [ROOT / "docs/index.md"]
    while pending:
        page = pending.pop()
        found.add(page)
        pending += [target for target, _ in find_links(page) if target in PAGES and target not in found]
    assert found >= {*DOCS}
