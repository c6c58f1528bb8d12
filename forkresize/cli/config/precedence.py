"""Which values are overridden by conflicting ones from stronger places: a flag overrides a settings file.

Conflicts within one place are not resolved here; they are refused where the values are used.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from forkresize.cli.config.origin import DEFAULT, Origins, Precedence
from forkresize.recipe import OPTIONS
from forkresize.recipe.effects import STARTED_BY
from forkresize.recipe.size import SIZE_MODES

_RECIPE = "recipe"
"""A recipe file overrides weaker options of recipes. Others are put on top of it; see ``recipe_from``."""

_CONFLICTS = (
    *((one, other) for modes in combinations((*SIZE_MODES, ("size",)), 2) for one in modes[0] for other in modes[1]),
    *((_RECIPE, name) for name in OPTIONS),
    ("watermark", "watermark_text"),
    ("ssim", "max_bytes"),
    ("ssim", "lossless"),
    ("max_bytes", "lossless"),
    ("quiet", "verbose"),
    ("quiet", "progress"),
    ("force", "if_exists"),
    ("no_ledger", "ledger"),
    ("backup_dir", "no_backup"),
)


REQUIRES: Mapping[str, tuple[str, ...]] = {"null": ("files_from",), **STARTED_BY}
"""Options that have no meaning without one of others."""

_UNSET = (None, False, (), "auto", "none")


def overridden(values: Mapping[str, Any], origins: Origins) -> set[str]:
    """Return the fields of the options whose values are ignored.

    A stronger value conflicts with them, or they are not flags and the option that they require is not set.

    Args:
        values: by field.
        origins: where they came from.
    """
    overridden = set(_conflicting(values, origins))
    useless = {
        field
        for field, companions in REQUIRES.items()
        if DEFAULT.strength < _strength(field, origins) < Precedence.FLAG
        # The file may have the step that an option requires.
        and not (values[_RECIPE] and field in OPTIONS)
        and not any(_is_set(companion, values) and companion not in overridden for companion in companions)
    }
    return overridden | useless


def _conflicting(values: Mapping[str, Any], origins: Origins) -> Iterator[str]:
    for pair in _CONFLICTS:
        weaker, stronger = sorted(pair, key=lambda field: _strength(field, origins))
        if weaker == _RECIPE:
            continue
        if DEFAULT.strength < _strength(weaker, origins) < _strength(stronger, origins) and _is_set(stronger, values):
            yield weaker


def _is_set(field: str, values: Mapping[str, Any]) -> bool:
    return values[field] not in _UNSET


def _strength(field: str, origins: Origins) -> Precedence:
    return origins.get(field, DEFAULT).strength
