"""What --doctor prints."""

import math
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from forkresize.cli.command import call
from forkresize.cli.info.doctor import doctor_text
from forkresize.extras import install_command
from forkresize.formats import EXTRAS, package
from forkresize.pool import available_cpus, sandbox, system
from forkresize.pool.sandbox import landlock
from tests.protocols import Parse


def value_of(text: str, name: str) -> str:
    [line] = re.findall(rf"^  {re.escape(name)} +(.*)$", text, re.MULTILINE)
    return str(line)


def test_diagnostics_of_this_machine_are_printed(parse: Parse, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--doctor"]) == 0
    text, error = capsys.readouterr()
    assert error == ""
    assert value_of(text, "workers") == str(available_cpus())
    assert value_of(text, "timeout") == "120s"
    assert "Pillow" in text
    assert re.search("cykooz|Pillow", value_of(text, "resampling"))
    assert value_of(text, "forkresize.toml") == "not there"
    values = [line.index(line.split("  ")[-1].strip()) for line in text.splitlines() if line.startswith("  ")]
    assert len(set(values)) == 1


def test_limits_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "cpu_quota", lambda: 1.5)
    monkeypatch.setattr(system, "memory_limit", lambda: 4_000_000_000)
    monkeypatch.setattr(system, "file_limits", lambda: (1024, math.inf))
    monkeypatch.setattr(landlock, "abi_version", lambda: 3)
    monkeypatch.setattr(system, "proc_status_field", {"Seccomp": "2", "NoNewPrivs": "1"}.get)
    text = doctor_text(None)
    assert value_of(text, "CPUs").endswith("control groups allow 1.5")
    assert value_of(text, "memory").endswith("control groups allow 4.0 GB")
    assert value_of(text, "open files") == "1024, up to any number if requested"
    assert value_of(text, "Landlock") == "version 3"
    assert value_of(text, "seccomp") == "filtering"
    assert value_of(text, "no_new_privs") == "on"
    monkeypatch.setattr(sandbox, "missing_layers", lambda: ("landlock", "seccomp"))
    assert value_of(doctor_text(None), "sandbox") == "all but landlock and seccomp"
    monkeypatch.setattr(sandbox, "missing_layers", tuple)
    assert value_of(doctor_text(None), "sandbox") == "complete"


def test_missing_packages_and_layers_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(package, "find_spec", lambda _name: None)
    monkeypatch.setattr(metadata, "version", missing)
    monkeypatch.setattr(system, "cpu_quota", lambda: math.inf)
    monkeypatch.setattr(system, "memory_limit", lambda: math.inf)
    monkeypatch.setattr(landlock, "abi_version", lambda: 0)
    monkeypatch.setattr(system, "proc_status_field", {"Seccomp": "9"}.get)
    text = doctor_text(None)
    assert value_of(text, "heif") == f"not installed; {install_command('heif')}"
    assert value_of(text, "memory").endswith("control groups set no limit")
    assert [value_of(text, name) for name in ("Landlock", "seccomp", "no_new_privs")] == ["none", "9", "none"]


@pytest.mark.parametrize(("arguments", "env"), [("--config given.toml", ""), ("", "given.toml")])
def test_settings_files_are_checked(
    arguments: str,
    env: str,
    parse: Parse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FORKRESIZE_CONFIG", env)
    for text, state in (("width = 3", "read; 1 settings above all presets"), ("widht = 3", "wrong: given.toml:1: ")):
        (tmp_path / "given.toml").write_text(text)
        assert call(["--doctor", *arguments.split()]) == 0
        assert value_of(capsys.readouterr().out, "given.toml").startswith(state)


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    optional = {
        extra: {re.split(r"[><=]", each)[0] for each in wanted}
        for extra, wanted in project["optional-dependencies"].items()
        if extra in EXTRAS
    }
    assert optional.keys() == EXTRAS.keys()
    assert [extra for extra, package in EXTRAS.items() if package.distribution not in optional[extra]] == []
