"""Options of a recipe that have no effect without others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from forkresize.errors import NoEffectError, Requirements
from forkresize.recipe.enums import Animation, Fit
from forkresize.recipe.options import BY_OWNER, Values
from forkresize.recipe.rendition import Rendition
from forkresize.recipe.size import SIZE_MODES
from forkresize.recipe.steps import STEPS, Resize


def any_of(*fields: str) -> Requirements:
    """Return the requirements of an option that needs one of some others."""
    return tuple(((field, ""),) for field in fields)


def _words_of(field: str, *words: str) -> Requirements:
    return tuple(((field, str(word)),) for word in words)


def _starting_options() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in STEPS:
        options = BY_OWNER[kind]
        starting = tuple(name for name, option in options.items() if option.starts)
        if starting:
            yield from ((name, starting) for name, option in options.items() if not option.starts)


STARTED_BY: Mapping[str, tuple[str, ...]] = dict(_starting_options())
"""The options of steps that have to be asked for, with the options that ask for the step."""

_SIZE = any_of("size", *chain.from_iterable(SIZE_MODES))

REQUIREMENTS: Mapping[str, Requirements] = {
    "fit": ((("width", ""), ("height", "")), (("size", "WIDTHxHEIGHT"),)),
    "gravity": _words_of("fit", Fit.COVER, Fit.CONTAIN),
    "focus": _words_of("fit", Fit.COVER),
    "enlarge": _SIZE,
    "resample": _SIZE,
    "linear": _SIZE,
    "ssim_metric": any_of("ssim"),
    "max_frames": _words_of("animation", Animation.KEEP),
}
"""The options that have no effect on renditions of another kind."""

_WITHOUT_A_BOX = frozenset({Fit.INSIDE, Fit.FILL})
"""The fits that need no box: with one side, ``fill`` keeps the other as it is."""


def check_steps(checked: Iterable[str], values: Values) -> None:
    """Check that options change steps that are asked for.

    Args:
        checked: the names of the options to check.
        values: of all options, parsed.

    Raises:
        NoEffectError: no option asks for the step.
    """
    for name in checked:
        starting = STARTED_BY.get(name, ())
        if starting and all(values.get(each) in (None, False) for each in starting):
            raise NoEffectError(name, any_of(*starting))


def check_renditions(checked: Values, renditions: Sequence[Rendition], resize: Resize, animation: Animation) -> None:
    """Check that options have an effect on one of the renditions of a recipe at least.

    Args:
        checked: the values of the options to check, parsed.
        renditions: those of the recipe.
        resize: its resize step.
        animation: which frames it keeps.

    Raises:
        NoEffectError: an option has none.
    """
    described = [_describe(rendition, resize, animation) for rendition in renditions]
    for name, groups in REQUIREMENTS.items():
        if name not in checked or checked[name] in _WITHOUT_A_BOX:
            continue
        if not any(is_met(groups, values) for values in described):
            raise NoEffectError(name, groups, str(checked[name]) if name == "fit" else "")


def is_met(groups: Requirements, values: Values) -> bool:
    """Return whether values have all fields of one of the groups."""
    return any(all(_has(values, *each) for each in group) for group in groups)


def _has(values: Values, field: str, word: str) -> bool:
    value = values[field]
    return value == word if word else value not in (None, False)


def _describe(rendition: Rendition, resize: Resize, animation: Animation) -> dict[str, Any]:
    """Return the values that options may require, as a rendition has them; ``size`` has become other fields."""
    size = rendition.size
    modes = {name: getattr(size, name) for name in chain.from_iterable(SIZE_MODES)}
    return {
        **modes,
        "size": None,
        "fit": size.fit or resize.fit,
        "animation": animation,
        "ssim": rendition.ssim,
    }
