"""Flags without an effect: the options that each of them needs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from msgspec import Struct

from forkresize.cli.config.origin import FLAG, Origins
from forkresize.cli.config.precedence import REQUIRES
from forkresize.cli.options.model import flag
from forkresize.recipe import OPTIONS, Animation, Fit, Recipe
from forkresize.recipe.rendition import Rendition
from forkresize.recipe.size import SIZE_MODES


class Companion(Struct, frozen=True):
    """An option that another one needs to have an effect.

    Attributes:
        field: the name of its value.
        words: the values that it needs to have; empty if any will do.
    """

    field: str
    words: tuple[Any, ...] = ()

    def is_set(self, values: Mapping[str, Any]) -> bool:
        """Return whether the option has such a value."""
        value = values[self.field]
        return value in self.words if self.words else value not in (None, False)

    def flags(self) -> str:
        """Return what to write on a command line."""
        if not self.words or self.words == (True,):
            return flag(self.field)
        return " or ".join(f"{flag(self.field)} {word}" for word in self.words)


Group = tuple[Companion, ...]
"""Options that are needed together."""


def _any_of(*fields: str) -> tuple[Group, ...]:
    return tuple((Companion(field),) for field in fields)


def _word(field: str, *words: Any) -> tuple[Group, ...]:
    return ((Companion(field, words),),)


_SIZE = _any_of("size", *chain.from_iterable(SIZE_MODES))

NEEDS: Mapping[str, tuple[Group, ...]] = {
    **{name: _any_of(*others) for name, others in REQUIRES.items()},
    "fit": ((Companion("width"), Companion("height")), (Companion("size"),)),
    "gravity": _word("fit", Fit.COVER, Fit.CONTAIN),
    "focus": _word("fit", Fit.COVER),
    "enlarge": _SIZE,
    "resample": _SIZE,
    "linear": _SIZE,
    "max_frames": _word("animation", Animation.KEEP),
    "max_depth": _word("recursive", True),
    "retry_failed": _any_of("ledger"),
    "max_prune": _any_of("prune"),
    "backup_dir": _any_of("in_place"),
    "no_backup": _any_of("in_place"),
    "cluster_key": _any_of("cluster", "attach"),
    "detach": _any_of("cluster"),
    "log_level": _any_of("log_file"),
    "log_format": _any_of("log_file"),
}
"""The options that have no effect alone, with the groups of options; each needs one group."""

_WITHOUT_A_BOX = frozenset({Fit.INSIDE, Fit.FILL})
"""The fits that need no box: with one side, ``fill`` keeps the other as it is."""


def ineffective_flags(values: Mapping[str, Any], origins: Origins, default: Callable[[str], Any]) -> Iterator[str]:
    """Yield an error message for each flag that has no effect.

    Values of settings files and of the environment are never refused: they are for many commands. Neither is a flag
    that states the default.

    Args:
        values: by field.
        origins: where they came from.
        default: returns the default of a field.
    """
    for field in NEEDS:
        value = values[field]
        if origins.get(field) is not FLAG or value == default(field):
            continue
        if values["recipe"] is not None and field in OPTIONS:
            continue  # The file may have what it needs; see ``ineffective_on_recipe``.
        if message := _missing_companion(field, value, (values,)):
            yield message


def ineffective_on_recipe(recipe: Recipe, flags: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error message for each flag that has no effect on any rendition of a recipe file.

    Args:
        recipe: the recipe with the flags on top of it.
        flags: the values of options of recipes on the command line, by field.
    """
    renditions = [_companions_in(recipe, each) for each in recipe.renditions]
    for field in NEEDS:
        if field in REQUIRES or field not in flags or flags[field] == OPTIONS[field].default:
            continue
        if message := _missing_companion(field, flags[field], renditions):
            yield message


def _companions_in(recipe: Recipe, rendition: Rendition) -> Mapping[str, Any]:
    """Return the values that flags may need, as one rendition of a recipe has them."""
    size = rendition.size
    modes = {name: getattr(size, name) for name in chain.from_iterable(SIZE_MODES)}
    return {**modes, "size": None, "fit": size.fit or recipe.resize.fit, "animation": recipe.animation}


def _missing_companion(field: str, value: Any, candidates: Iterable[Mapping[str, Any]]) -> str | None:
    """Return an error message if none of some sets of values has the options that a flag needs."""
    groups = NEEDS[field]
    if value in _WITHOUT_A_BOX or any(
        all(each.is_set(own) for each in group) for own in candidates for group in groups
    ):
        return None
    name = f"{flag(field)} {value}" if field == "fit" else flag(field)
    return f"{name} requires {_join_alternatives(groups)}"


def _join_alternatives(groups: tuple[Group, ...]) -> str:
    """Return what to write on a command line; a comma sets those groups apart that have several options."""
    *others, last = (" and ".join(each.flags() for each in group) for group in groups)
    comma = "," if len(groups[0]) > 1 else ""
    return f"{', '.join(others)}{comma} or {last}" if others else last
