"""The answer to --doctor: diagnostics about this system."""

import os
import sys
from collections.abc import Iterator
from math import inf

import click

from forkresize._version import __version__

_SECCOMP_MODES = {"0": "available, unused", "1": "strict", "2": "filtering"}
_SWITCH = {"0": "off", "1": "on"}

Row = tuple[str, str]


def print_doctor(ctx: click.Context) -> None:
    """Print diagnostics about this system, and exit."""
    from forkresize.cli.config.command import flags_in

    config = flags_in(ctx).get("config") or os.environ.get("FORKRESIZE_CONFIG") or None
    click.echo(doctor_text(config), nl=False)
    ctx.exit()


def doctor_text(config: str | None) -> str:
    """Return diagnostics about this system, as aligned lines under headings.

    Args:
        config: the settings file of ``--config``, which replaces the others.
    """
    parts = {
        "Machine": list(_machine()),
        "Sandbox": list(_sandbox()),
        "Codecs": list(_codecs()),
        "Extras": list(_extras()),
        "Settings files": list(_settings_files(config)),
        "Defaults here": list(_defaults()),
    }
    width = max(len(name) for rows in parts.values() for name, _ in rows)
    sections = [
        "\n".join([title, *(f"  {name:<{width}}  {value}".rstrip() for name, value in rows)])
        for title, rows in parts.items()
    ]
    return f"forkresize {__version__}\n\n" + "\n\n".join(sections) + "\n"


def _machine() -> Iterator[Row]:
    import platform

    from forkresize.pool.system import allowed_cpus, cpu_quota, file_limits, memory_limit, total_memory
    from forkresize.units import format_size

    yield "Python", f"{sys.version.split()[0]} ({platform.python_implementation()})"
    yield "platform", platform.platform()
    quota, memory = cpu_quota(), memory_limit()
    yield "CPUs", f"{os.cpu_count()}; by affinity {allowed_cpus()}" + _limit("control groups", quota, f"{quota:.3g}")
    limit = "" if memory == inf else format_size(int(memory))
    yield "memory", format_size(total_memory()) + _limit("control groups", memory, limit)
    soft, hard = file_limits()
    yield "open files", f"{_count(soft)}, up to {_count(hard)} if requested"


def _limit(who: str, limit: float, text: str) -> str:
    return f"; {who} set no limit" if limit == inf else f"; {who} allow {text}"


def _count(limit: float) -> str:
    return "any number" if limit == inf else f"{limit:.0f}"


def _sandbox() -> Iterator[Row]:
    from forkresize.pool.sandbox.landlock import abi_version
    from forkresize.pool.system import proc_status_field

    abi = abi_version()
    yield "Landlock", f"version {abi}" if abi else "none"
    for name, field, words in (("seccomp", "Seccomp", _SECCOMP_MODES), ("no_new_privs", "NoNewPrivs", _SWITCH)):
        value = proc_status_field(field)
        yield name, "none" if value is None else words.get(value, value)


def _codecs() -> Iterator[Row]:
    from forkresize.image.versions import codecs

    yield from codecs().items()


def _extras() -> Iterator[Row]:
    from importlib.metadata import PackageNotFoundError

    from forkresize.extras import install_command
    from forkresize.formats import EXTRAS

    for extra, package in EXTRAS.items():
        try:
            yield extra, f"{package.distribution} {package.version}"
        except PackageNotFoundError:
            yield extra, f"not installed; {install_command(extra)}"


def _settings_files(config: str | None) -> Iterator[Row]:
    from forkresize.cli.config.files import PROJECT_FILE, user_file
    from forkresize.report.terminal.plain import printable

    names = (config,) if config is not None else (PROJECT_FILE, user_file())
    for name in names:
        yield printable(name), printable(_state(name)) if os.path.lexists(name) else "not there"


def _state(name: str) -> str:
    from forkresize.cli.config.command import BY_KEY
    from forkresize.cli.config.files import read_settings
    from forkresize.errors import UsageError

    try:
        settings = read_settings(name, None, BY_KEY)
    except UsageError as error:
        return f"wrong: {error}"
    return f"read; {len(settings.values)} settings above all presets"


def _defaults() -> Iterator[Row]:
    from forkresize.cli.config.command import BY_KEY
    from forkresize.pool import available_cpus, default_budget
    from forkresize.pool.sandbox import missing_layers
    from forkresize.units import format_size

    yield "workers", str(available_cpus())
    yield "budget", format_size(default_budget())
    missing = missing_layers()
    yield "sandbox", f"all but {' and '.join(missing)}" if missing else "complete"
    for key in ("timeout", "retries", "max-pixels", "max-frames", "max-file-size"):
        yield key, str(BY_KEY[key].default)
