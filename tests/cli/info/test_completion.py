"""Completion in shells."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forkresize.cli.info.completion import SHELLS

pytestmark = pytest.mark.slow

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def complete(command: list[str], tmp_path: Path) -> Callable[..., set[str]]:
    """Return what bash is given for the last of some words, by the script that the command prints."""
    home = tmp_path / "none"
    path = f"{os.path.dirname(command[0])}:{os.environ['PATH']}"
    ask = """
        source <(forkresize --completion bash)
        compopt() { [ "$2" = default ] && COMPREPLY+=(a-path); }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _forkresize_completion forkresize && printf '%s\\n' "${COMPREPLY[@]}"
    """

    def ask_bash(*words: str) -> set[str]:
        result = subprocess.run(
            ["bash", "-c", ask, "bash", "forkresize", *words],  # noqa: S607 (the user's own shell)
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "XDG_CONFIG_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert result.stderr == ""
        return set(result.stdout.split())

    return ask_bash


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--fit", "co"], {"cover", "contain"}),
        (["in", "out", "--if-exists", "u"], {"update"}),
        (["--format", "w"], {"webp"}),
        (["--format", "webp,p"], {"webp,png"}),
        (["--format", "webp,w"], set()),
        (["--watermark-o"], {"--watermark-opacity"}),
        (["--no-r"], {"--no-recursive"}),
        (["--completion", ""], {"bash", "zsh", "fish"}),
        (["--recipe", "x"], {"a-path"}),
        (["i"], {"a-path"}),
        (["in", "o"], {"a-path"}),
    ],
)
def test_options_words_and_paths_are_completed(
    words: list[str], offered: set[str], complete: Callable[..., set[str]]
) -> None:
    assert complete(*words) == offered


def test_presets_of_the_settings_files_are_completed(complete: Callable[..., set[str]], tmp_path: Path) -> None:
    (tmp_path / "forkresize.toml").write_text("[presets.web]\n[presets.print]\n")
    assert complete("--preset", "") == {"web", "print"}
    assert complete("--preset", "w") == {"web"}


@pytest.mark.parametrize("broken", ["[presets", "presets = 3", "width = 0"])
def test_a_broken_settings_file_does_not_break_completion(
    broken: str, complete: Callable[..., set[str]], tmp_path: Path
) -> None:
    (tmp_path / "forkresize.toml").write_text(broken)
    assert complete("--preset", "") == set()
    assert complete("--fit", "i") == {"inside"}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell: str, forkresize: Run) -> None:
    result = forkresize("--completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"_FORKRESIZE_COMPLETE={shell}_complete" in result.stdout
