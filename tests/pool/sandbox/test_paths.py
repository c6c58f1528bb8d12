"""What a worker may read besides the sources: what Python needs, wherever it is installed, and nothing beside it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import forkresize

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("needs_landlock")]

HERE = [str(Path(forkresize.__file__).parents[1]), *(path for path in sys.path if path.endswith("-packages"))]
"""Where this package and its dependencies are."""

SCRIPT = """
import json, os, sys
import thing
from forkresize.pool import Pool, PoolOptions, SandboxPolicy

def reach(path):
    try:
        if path.startswith("/"):
            os.close(os.open(path, os.O_RDONLY))
        else:
            __import__(path)
    except (OSError, ImportError) as error:
        return type(error).__name__
    return "reached"

with Pool(reach, options=PoolOptions(workers=1, sandbox=SandboxPolicy())) as pool:
    print(json.dumps({result.item: result.result for result in pool.imap_unordered(sys.argv[1:])}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A virtual environment at the root of a project, beside which are a library under development and an archive."""
    project, library = tmp_path / "home/project", tmp_path / "home/library"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project], check=True, timeout=60)
    (library / "thing").mkdir(parents=True)
    (library / "thing/__init__.py").touch()
    for folder, module in ((library / "thing", "late"), (project, "tool"), (tmp_path, "other")):
        (folder / f"{module}.py").touch()
    for folder in (project, library, project / "lib", tmp_path / "home"):
        (folder / "secrets.env").write_text("KEY=1")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("zipped.py", "")
    [packages] = project.glob("lib/python*/site-packages")
    (packages / "installed.py").touch()
    (packages / "paths.pth").write_text("\n".join([*HERE, str(library), str(tmp_path / "archive.zip")]))
    return project


@pytest.mark.parametrize("place", ["home/project", "home", "."], ids=["in the project", "at home", "elsewhere"])
def test_worker_reads_no_files_beside_a_virtual_environment(place: str, project: Path, tmp_path: Path) -> None:
    home = project.parent
    secrets = [str(folder / "secrets.env") for folder in (project, home / "library", project / "lib", home)]
    secrets += [str(project), str(project / "bin"), str(project / "tool.py")]
    modules = ["thing.late", "installed", "zipped", "wave", "xml.dom.minidom"]
    env = {**os.environ, "HOME": str(home)}
    env.pop("PYTHONPATH", None)
    found = subprocess.run(
        [project / "bin/python", "-c", SCRIPT, *secrets, *modules],
        cwd=tmp_path / place, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == {
        **dict.fromkeys(secrets, "PermissionError"),
        **dict.fromkeys(modules, "reached"),
    }


def test_command_works_in_a_virtual_environment_at_home(project: Path, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 48), "red").save(tmp_path / "in/a.jpg")
    run = subprocess.run(
        [project / "bin/python", "-m", "forkresize", "in", "out", "--width", "20", "--sandbox", "on"],
        cwd=tmp_path, env={**os.environ, "HOME": str(project)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "out/a.jpg").exists()


def test_working_and_home_directory_are_not_readable_as_python_paths(tmp_path: Path) -> None:
    script = "from forkresize.pool.sandbox.paths import interpreter_paths as p; print(*p(), sep='\\n')"
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home / "here", other):
        folder.mkdir(parents=True)
    env = {**os.environ, "HOME": str(home), "PYTHONPATH": f"{home}:{home}/here:{other}:{tmp_path}"}
    paths = subprocess.run(
        [sys.executable, "-c", script],
        cwd=home / "here",
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split("\n")
    assert str(other) in paths
    assert not {str(home), str(home / "here"), str(tmp_path)} & set(paths)
    assert os.path.dirname(os.__file__).startswith(tuple(filter(None, paths)))


def test_this_package_is_readable_even_if_the_working_directory_is_in_it() -> None:
    package = os.path.realpath(os.path.dirname(forkresize.__file__))
    script = "from forkresize.pool.sandbox.paths import interpreter_paths as p; print(*p(), sep='\\n')"
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, cwd=f"{package}/image", capture_output=True, text=True, check=True, timeout=60)
    assert package in found.stdout.split("\n")
