from typing import Any

import pytest
import tomlkit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forkresize.errors import UsageError
from forkresize.recipe import Recipe
from forkresize.recipefile import dumps, loads
from forkresize.recipefile.decode import RENDITION, STEP_KINDS, TOP, key_name

pytestmark = pytest.mark.slow

TOKENS = [
    "[[steps]]",
    "[steps]",
    "[[renditions]]",
    "=",
    "\n",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    '"""',
    ",",
    ".",
    "#",
    "1e999",
]
TOKENS += [
    "true",
    "nan",
    "-1",
    "0xffffffffffffffffffffffff",
    "1979-05-27",
    "resize",
    "width",
    "\x00",
    "\udcff",
    "é",
    "\r",
]
KEYS = [*TOP, *RENDITION, *STEP_KINDS, *(field for step in STEP_KINDS.values() for field in step.__annotations__)]

_values = st.recursive(
    st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.sampled_from(["tile", "keep", "cover", "auto", "1x1", "50%", "300K", "jpeg=1", "h", "0.5,0.5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS).map(key_name), inner, max_size=3),
    max_leaves=12,
)
_tables = st.dictionaries(st.sampled_from(KEYS).map(key_name), _values, max_size=4)
_steps = st.sampled_from([*STEP_KINDS]).flatmap(
    lambda name: st.dictionaries(st.sampled_from([*STEP_KINDS[name].__annotations__, "x"]).map(key_name), _values).map(
        lambda fields: {name: fields}
    )
) | st.dictionaries(st.sampled_from([*STEP_KINDS]), _values, min_size=1, max_size=1)


def _load_or_refuse(text: str) -> None:
    try:
        recipe = loads(text)
    except UsageError:
        return
    assert loads(dumps(recipe)) == recipe


@given(st.text() | st.lists(st.sampled_from(TOKENS) | st.text(max_size=3)).map("".join))
@settings(deadline=None)
@example(".".join("a" * 3000) + " = 1")
@example("a = " + "[" * 250 + "]" * 250)
@example("steps = " + "[" * 250 + "]" * 250)
@example("background = 'rgb(" + "9" * 5000 + ", 0, 0)'")
def test_any_text_is_loaded_or_refused(text: str) -> None:
    _load_or_refuse(text)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_change_to_a_valid_file_is_loaded_or_refused(
    recipes: st.SearchStrategy[Recipe], data: st.DataObject
) -> None:
    text = dumps(data.draw(recipes))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 12, len(text))))
        text = text[:start] + data.draw(st.sampled_from(TOKENS) | st.just("")) + text[end:]
    _load_or_refuse(text)


@given(_tables, st.lists(_steps, max_size=2), st.lists(_tables, max_size=2))
@settings(max_examples=200, deadline=None)
def test_any_values_under_any_keys_are_loaded_or_refused(wide: Any, steps: Any, renditions: Any) -> None:
    document = {key: value for key, value in wide.items() if key in TOP}
    document |= {key: value for key, value in (("steps", steps), ("renditions", renditions)) if value}
    _load_or_refuse(tomlkit.dumps(document))
