"""Flags without an effect: the options that each of them needs. Those of recipes are in ``recipe.effects``."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from forkresize.cli.config.origin import FLAG, Origins
from forkresize.errors import NoEffectError, Requirements
from forkresize.recipe.effects import any_of, is_met

REQUIREMENTS: Mapping[str, Requirements] = {
    "null": any_of("files_from"),
    "max_depth": any_of("recursive"),
    "retry_failed": any_of("ledger"),
    "max_prune": any_of("prune"),
    "backup_dir": any_of("in_place"),
    "no_backup": any_of("in_place"),
    "cluster_key": any_of("cluster", "attach"),
    "detach": any_of("cluster"),
    "log_level": any_of("log_file"),
    "log_format": any_of("log_file"),
}
"""The options that have no effect alone."""


def find_ineffective(
    values: Mapping[str, Any], origins: Origins, default: Callable[[str], Any]
) -> Iterator[NoEffectError]:
    """Yield an error for each flag that has no effect.

    Values of settings files and of the environment are never refused: they are for many commands. Neither is a flag
    that states the default.

    Args:
        values: by field.
        origins: where they came from.
        default: returns the default of a field.
    """
    for field, groups in REQUIREMENTS.items():
        is_asked = origins.get(field) is FLAG and values[field] != default(field)
        if is_asked and not is_met(groups, values):
            yield NoEffectError(field, groups)
