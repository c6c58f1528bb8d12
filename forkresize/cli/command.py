"""The command: from arguments to one call of run, from its summary to an exit code. Prints errors; computes nothing."""

import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import click

from forkresize.cli.config.command import SettingsCommand, builtin_value, origins_in
from forkresize.cli.config.origin import DEFAULT, Origins
from forkresize.cli.config.precedence import overridden
from forkresize.cli.errors import click_message, own_message
from forkresize.cli.info.completion import COMPLETE_VARIABLE, complete_path
from forkresize.cli.info.version import version_text
from forkresize.cli.options.catalog import all_options
from forkresize.cli.rules import rules_in
from forkresize.errors import SIGNAL_BASE, ExitCode, ForkresizeError, StopRequested

if TYPE_CHECKING:
    from forkresize.recipe import Recipe

EXAMPLES = """
Examples:

forkresize ./in ./out --width 800

forkresize ./in ./out --width 400 --height 400 --fit cover --format webp

find . -type f -name '*.jpg' -print0 | forkresize --files-from - -0 ./out --width 800
"""


def call(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; what goes wrong is told on standard error."""
    origins: Origins = {}
    try:
        parsed = _parsed(arguments, origins)
        return parsed if isinstance(parsed, int) else _run(parsed)
    except click.ClickException as error:
        return _print_error(
            f"{click_message(error, origins)}\nTry 'forkresize --help' for all options.", ExitCode.USAGE
        )
    except ForkresizeError as error:
        return _print_error(own_message(error, origins), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except StopRequested as stop:
        return SIGNAL_BASE + stop.signum
    except OSError:
        raise  # What the system refuses is no bug.
    except Exception:  # noqa: BLE001 (a bug is told as one, with what a report of it needs)
        traceback.print_exc()
        return _print_error(
            f"this is a bug in forkresize; please report it with the lines above and\n{version_text()}", ExitCode.BUG
        )


def _parsed(arguments: Sequence[str], origins: Origins) -> dict[str, Any] | int:
    """Return the values of all options, or an exit code if there is nothing more to do; fill in their origins."""
    return forkresize.main(  # type: ignore[no-any-return]
        list(arguments),
        prog_name="forkresize",
        standalone_mode=False,
        complete_var=COMPLETE_VARIABLE,
        obj=origins,
    )


def _print_error(message: str, code: int) -> int:
    from forkresize.report.terminal.plain import printable

    sys.stderr.write("".join(f"forkresize: {printable(line)}\n" for line in message.splitlines()))
    return code


def _run(values: dict[str, Any]) -> int:
    from forkresize.batch import JobDiscovery
    from forkresize.cli.arguments import check_conflicts, recipe_from, resolve_in_place, settings_from
    from forkresize.cli.observers import open_observers, print_summary
    from forkresize.cli.reports import finish, open_logs
    from forkresize.cli.watch import make_runner
    from forkresize.pool import ignore_stops, raise_on_stop

    raise_on_stop()
    if values["show_recipe"]:
        return _show(recipe_from(values, values["given"]))
    values = resolve_in_place(values)
    check_conflicts(values)
    recipe = recipe_from(values, values["given"])
    with ExitStack() as stack:
        journaling = open_logs(values, stack)
        settings = settings_from(values, stack)
        sources, destination = values["sources"], values["destination"]
        intake = JobDiscovery(sources, destination, recipe, settings)
        with open_observers(values, intake.expected()) as listening:
            observers = [*journaling, *listening]
            summary = make_runner(values)(sources, destination, recipe, settings=settings, observers=observers)
            finish(observers, summary)
            if summary.exit_code >= SIGNAL_BASE:
                ignore_stops()
        print_summary(summary, values)
    return summary.exit_code


def _show(recipe: "Recipe") -> int:
    from forkresize.recipefile import dumps

    click.echo(dumps(recipe), nl=False)
    return ExitCode.OK


def _print_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(version_text())
        ctx.exit()


@click.command(
    cls=SettingsCommand,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, shell_complete=complete_path)
@click.argument("destination", metavar="DESTINATION", required=False)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show versions and exit.",
)
@all_options
@click.pass_context
def forkresize(ctx: click.Context, /, **values: Any) -> dict[str, Any]:
    """Make a smaller version of every picture in SOURCE, under DESTINATION, on all cores.

    A SOURCE is a directory, which is walked, or a file. One directory maps its content into DESTINATION; several map
    each below DESTINATION/<its name>. Sources are never touched. A run without a terminal is silent if all went well.
    """
    origins = origins_in(ctx)
    rules = rules_in(ctx, values, origins)
    for field in overridden(values, origins):
        values[field] = builtin_value(ctx, field)
        origins[field] = DEFAULT
    ctx.obj.update(origins)
    if values["show_config"]:
        _show_config(ctx)
    given = {field for field, origin in origins.items() if origin is not DEFAULT}
    return {**values, "rules": rules, "given": given}


def _show_config(ctx: click.Context) -> NoReturn:
    from forkresize.cli.config.show import config_text

    click.echo(config_text(ctx), nl=False)
    ctx.exit()
