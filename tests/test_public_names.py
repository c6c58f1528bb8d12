"""Everything that the public functions take, return and raise can be imported from forkresize."""

import builtins
import inspect
import re
import subprocess
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import forkresize
from forkresize.errors import ForkresizeError

FUNCTIONS: list[Callable[..., Any]] = [
    forkresize.run,
    forkresize.transform,
    forkresize.render,
    forkresize.load_recipe,
    forkresize.Recipe.of,
    forkresize.Recipe.with_options,
]

HOOKS = [value for name, value in vars(forkresize.Observer).items() if name.startswith("on_")]

INTERNAL = {"Declared", "StepBase", "WordEnum", "Word", "Counts", "_Detail", "Shorthand"}
"""Bases and declarations of public classes, which a program need not name."""


def names_in(hint: Any) -> Iterator[type]:
    """Yield the classes of forkresize in an annotation."""
    if isinstance(hint, type) and hint.__module__.startswith("forkresize"):
        yield hint
    for part in typing.get_args(hint):
        for each in part if isinstance(part, list) else [part]:
            yield from names_in(each)


def hints_of(value: Any) -> dict[str, Any]:
    names = {name: getattr(forkresize, name) for name in forkresize.__all__}
    return typing.get_type_hints(value, localns=names, include_extras=False)


def reachable() -> set[type]:
    """Return all classes in the signatures of the public functions and hooks, and in the fields of such classes."""
    found: set[type] = set()
    waiting: list[Any] = [*FUNCTIONS, *HOOKS]
    while waiting:
        value = waiting.pop()
        for hint in hints_of(value).values():
            new = {*names_in(hint)} - found
            found |= new
            waiting += new
    return found


def test_signatures_and_fields_name_public_classes_only() -> None:
    found = {kind for kind in reachable() if kind.__name__ not in INTERNAL}
    assert {"Settings", "PoolOptions", "Source", "RunStats", "SandboxPolicy"} <= {kind.__name__ for kind in found}
    assert [kind for kind in found if getattr(forkresize, kind.__name__, None) is not kind] == []


@pytest.mark.parametrize("function", [*FUNCTIONS, forkresize.prepare, forkresize.RunPlan.execute])
def test_what_a_docstring_says_is_raised_can_be_imported(function: Callable[..., Any]) -> None:
    sections = (inspect.getdoc(function) or "").partition("Raises:\n")[2]
    raised = re.findall(r"^ {4}(\w+): ", sections, re.MULTILINE)
    assert raised or function is forkresize.run
    assert [name for name in raised if name not in forkresize.__all__ and not hasattr(builtins, name)] == []


def test_every_error_of_a_run_can_be_imported() -> None:
    kinds, waiting = set[type[BaseException]](), [ForkresizeError]
    while waiting:
        kind = waiting.pop()
        kinds.add(kind)
        waiting += kind.__subclasses__()
    own = {kind for kind in kinds if kind.__module__ == "forkresize.errors"}
    assert [kind for kind in own if getattr(forkresize, kind.__name__, None) is not kind] == []


def test_all_names_exist_and_are_sorted() -> None:
    assert sorted(forkresize.__all__) == forkresize.__all__
    for name in forkresize.__all__:
        assert getattr(forkresize, name) is not None
    with pytest.raises(AttributeError, match="module 'forkresize' has no attribute 'missing'"):
        _ = forkresize.missing  # type: ignore[attr-defined]
    assert isinstance(forkresize, types.ModuleType)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "unwanted"),
    [
        ("FieldError", {"msgspec", "PIL", "forkresize.recipe"}),
        ("Recipe, load_recipe", {"PIL", "forkresize.pool", "tomlkit", "tqdm"}),
        ("run, Settings, Observer", {"tqdm", "tomlkit", "rich", "click", "concurrent.futures.thread"}),
    ],
)
def test_a_name_loads_only_what_it_needs(names: str, unwanted: set[str]) -> None:
    code = f"import sys; from forkresize import {names}; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert {*loaded.split()} & unwanted == set()
