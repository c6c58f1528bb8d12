"""The command: parses arguments, runs the batch, and returns an exit code."""

import gc
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from forkresize.cli.config.command import SettingsCommand, builtin_value, origins_in
from forkresize.cli.config.effects import find_ineffective
from forkresize.cli.config.origin import DEFAULT, FLAG, Origins
from forkresize.cli.config.precedence import overridden
from forkresize.cli.errors import click_message, own_message
from forkresize.cli.info.completion import COMPLETE_VARIABLE, complete_path
from forkresize.cli.info.version import version_text
from forkresize.cli.options.catalog import COMMON, all_options
from forkresize.cli.options.model import flag
from forkresize.cli.options.rules import rules_in
from forkresize.errors import ForkresizeError, StopRequested
from forkresize.exit_policy import SIGNAL_BASE, ExitCode, exit_code_for_error

if TYPE_CHECKING:
    from forkresize.batch import RunPlan, Settings
    from forkresize.cli.arguments import Arguments
    from forkresize.cli.waiting import WaitingNotices
    from forkresize.observer import Observer
    from forkresize.recipe import Recipe
    from forkresize.summary import Summary

EXAMPLES = """
Examples:

forkresize ./in ./out --width 800

forkresize ./in ./out --width 400 --height 400 --fit cover --format webp

find . -type f -name '*.jpg' -print0 | forkresize --files-from - -0 ./out --width 800
"""


def call(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Errors are printed to standard error."""
    origins: Origins = {}
    try:
        parsed = _parse(arguments, origins)
        return parsed if isinstance(parsed, int) else _run({**parsed, "command": tuple(arguments)}, origins)
    except click.ClickException as error:
        message = f"{click_message(error, origins)}\nTry 'forkresize --help' for all options."
        return _print_error(message, ExitCode.USAGE)
    except ForkresizeError as error:
        return _print_error(own_message(error, origins), exit_code_for_error(error))
    except click.Abort:
        return ExitCode.INTERRUPTED
    except (KeyboardInterrupt, StopRequested) as stop:
        return exit_code_for_error(stop)
    except OSError:
        raise  # Errors of the system are not bugs.
    except Exception:  # noqa: BLE001 (printed with everything that a bug report needs)
        traceback.print_exc()
        message = f"this is a bug in forkresize. Please report it with the lines above and:\n{version_text()}"
        return _print_error(message, ExitCode.BUG)


def _parse(arguments: Sequence[str], origins: Origins) -> dict[str, Any] | int:
    """Return the values of all options, or an exit code if an option has printed something. Fills in the origins."""
    return forkresize.main(  # type: ignore[no-any-return]
        list(arguments),
        prog_name="forkresize",
        standalone_mode=False,
        complete_var=COMPLETE_VARIABLE,
        obj=origins,
    )


def _print_error(message: str, code: int) -> int:
    from forkresize.report.terminal.plain import print_status

    print_status(message)
    return code


def _run(values: dict[str, Any], origins: Origins) -> int:
    from forkresize.batch import prepare
    from forkresize.cli.arguments import Arguments, recipe_from
    from forkresize.cli.confirm import confirm_in_place
    from forkresize.cli.conflicts import check_conflicts, check_effects
    from forkresize.cli.early_start import start_workers
    from forkresize.cli.observers import open_observers, print_summary
    from forkresize.cli.reports import open_logs
    from forkresize.cli.tracing import open_tracer
    from forkresize.cli.uploads import upload_files
    from forkresize.pool import ignore_stops, raise_on_stop

    # The modules stay: the first collection would look through all of them.
    gc.freeze()
    gc.enable()
    raise_on_stop()
    arguments = Arguments.of(values)
    check_effects(arguments)
    if values["show_recipe"]:
        return _show(recipe_from(arguments), arguments, origins)
    arguments = arguments.resolve_in_place().resolve_output_file()
    check_conflicts(arguments)
    if arguments.attach is not None:
        from forkresize.cli.cluster import run_attached

        return run_attached(arguments)
    arguments = arguments.resolve_shared_paths()
    recipe = recipe_from(arguments)
    with ExitStack() as stack:
        # Entered first, it sends the trace when no process is left that was forked.
        tracers = open_tracer(arguments, stack)
        notices = _announce_waiting(arguments, stack)
        arguments = stack.enter_context(upload_files(arguments))
        logs = open_logs(arguments, stack)
        settings = confirm_in_place(arguments, recipe, _with_names(arguments, stack))
        use_started = stack.enter_context(start_workers(arguments, recipe, settings))
        plan = prepare(arguments.sources, arguments.destination, recipe, settings)
        use_started(plan)
        with open_observers(arguments, plan.count_sources(), recipe, plan.backend.probe) as reports:
            summary = _execute(arguments, plan, _with_notices([*tracers, *logs, *reports], notices))
            if summary.exit_code >= SIGNAL_BASE:
                ignore_stops()
        print_summary(summary, arguments, plan.count_left_out)
    return summary.exit_code


def _with_notices(observers: "list[Observer]", notices: "WaitingNotices | None") -> "list[Observer]":
    """Return the observers, with the notices of what the run waits for."""
    if notices is None:
        return observers
    notices.observers = tuple(observers)
    return [*observers, notices]


def _announce_waiting(arguments: "Arguments", stack: ExitStack) -> "WaitingNotices | None":
    """Show the user what the run waits for, if it uses a store or a database."""
    if not isinstance(arguments.settings.ledger, str) and not arguments.is_remote:
        return None
    from forkresize.cli.waiting import announce_waiting

    return stack.enter_context(announce_waiting())


def _execute(arguments: "Arguments", plan: "RunPlan", observers: Sequence["Observer"]) -> "Summary":
    if arguments.cluster is not None:
        from forkresize.cli.cluster import run_on_cluster

        return run_on_cluster(arguments, plan, observers)
    if arguments.watch:
        from forkresize.cli.watch import run_watch

        return run_watch(arguments, plan, observers)
    return plan.execute(observers)


def _with_names(arguments: "Arguments", stack: ExitStack) -> "Settings":
    if arguments.files_from is None:
        return arguments.settings
    from msgspec.structs import replace

    from forkresize.cli.files_from import names_reader

    return replace(arguments.settings, files_from=names_reader(arguments.files_from, stack, nul=arguments.null))


def _show(recipe: "Recipe", arguments: "Arguments", origins: Origins) -> int:
    from forkresize.recipefile import dumps
    from forkresize.report.terminal.plain import printable

    if arguments.overrides:
        for name in ("recipe", *arguments.overrides):
            file = f" {arguments.recipe}" * (name == "recipe")
            click.echo(printable(f"# {flag(name)}{file}: {origins[name].place}"))
        click.echo()
    click.echo(dumps(recipe), nl=False)
    return ExitCode.OK


def _print_version(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:
    if requested:
        click.echo(version_text())
        ctx.exit()


def _print_short_help(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:
    if requested:
        from forkresize.cli.info.help import short_help

        click.echo(short_help(ctx, [key.replace("-", "_") for key in COMMON]))
        ctx.exit()


@click.command(
    cls=SettingsCommand,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["--help"], "show_default": True},
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, shell_complete=complete_path)
@click.argument("destination", metavar="DESTINATION", required=False)
@click.option(
    "-h",
    "short_help",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_short_help,
    help="Show the most common options and exit.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show versions and exit.",
)
@click.help_option("--help", help="Show all options and exit.")
@all_options
@click.pass_context
def forkresize(ctx: click.Context, /, **values: Any) -> dict[str, Any]:
    """Make a smaller version of every picture in SOURCE, under DESTINATION, on all cores.

    SOURCE is an image file or a directory, which is searched recursively. With one directory, its tree is mirrored
    directly below DESTINATION; with several sources, each gets its own subdirectory. With one file, DESTINATION may be
    the name of its output, such as small.webp. Sources are never changed. Without a terminal, a successful run prints
    nothing.
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
    flags = frozenset(field for field, origin in origins.items() if origin is FLAG)
    if values["no_ledger"]:
        if "ledger" in given and values["ledger"] is not False:
            raise click.UsageError("--ledger cannot be combined with --no-ledger")
        values["ledger"] = False
    ineffective = tuple(find_ineffective(values, origins, partial(builtin_value, ctx)))
    return {**values, "rules": rules, "given": given, "flags": flags, "ineffective": ineffective}


def _show_config(ctx: click.Context) -> NoReturn:
    from forkresize.cli.config.show import config_text

    click.echo(config_text(ctx), nl=False)
    ctx.exit()
