"""The command: from arguments to one call of run, from its summary to an exit code. Prints errors; computes nothing."""

import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import rich_click as click
from click.core import ParameterSource

from forkresize.cli.options import all_options
from forkresize.cli.params import RULES
from forkresize.cli.version import version_text
from forkresize.errors import SIGNALED, ExitCode, FieldError, ForkresizeError, StopRequested

if TYPE_CHECKING:
    from forkresize.recipe import Recipe

EXAMPLES = """
Examples:

forkresize ./in ./out --width 800

forkresize ./in ./out --width 400 --height 400 --fit cover --format webp

find . -type f -name '*.jpg' -print0 | forkresize --files-from - -0 ./out --width 800
"""

HELP = click.RichHelpConfiguration(
    max_width=110,
    text_paragraph_linebreaks="\n\n",
    options_panel_title="About",
    options_table_column_types=["opt_short", "opt_long", "help"],
    options_table_help_sections=["help", "metavar", "default"],
)


def call(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; what goes wrong is told on standard error."""
    try:
        parsed = forkresize.main(list(arguments), prog_name="forkresize", standalone_mode=False)
        return parsed if isinstance(parsed, int) else _run(parsed)
    except click.ClickException as error:
        return _tell(f"{error.format_message()}\nTry 'forkresize --help' for all options.", ExitCode.USAGE)
    except FieldError as error:
        return _tell(f"--{error.field.replace('_', '-')}: {error.message}", error.exit_code)
    except ForkresizeError as error:
        return _tell(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except StopRequested as stop:
        return SIGNALED + stop.signum
    except OSError:
        raise  # What the system refuses is no bug.
    except Exception:  # noqa: BLE001 (a bug is told as one, with what a report of it needs)
        traceback.print_exc()
        return _tell(
            f"this is a bug in forkresize; please report it with the lines above and\n{version_text()}", ExitCode.BUG
        )


def _tell(message: str, code: int) -> int:
    from forkresize.report.plain import printable

    sys.stderr.write("".join(f"forkresize: {printable(line)}\n" for line in message.splitlines()))
    return code


def _run(values: dict[str, Any]) -> int:
    from forkresize.batch import Intake, run
    from forkresize.cli.listening import listen, tell_summary
    from forkresize.cli.resolve import recipe_from, refuse_contradictions, settings_from
    from forkresize.pool import ignore_stops, raise_on_stop

    raise_on_stop()
    if values["show_recipe"]:
        return _show(recipe_from(values, values["given"]))
    refuse_contradictions(values)
    recipe = recipe_from(values, values["given"])
    with ExitStack() as stack:
        settings = settings_from(values, stack)
        sources, destination = values["sources"], values["destination"]
        intake = Intake(sources, destination, recipe, settings)
        with listen(values, intake.discover()) as observers:
            summary = run(sources, destination, recipe, settings=settings, observers=observers)
            if summary.exit_code >= SIGNALED:
                ignore_stops()
    tell_summary(summary, values)
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
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "rich_help_config": HELP},
)
@click.argument("sources", metavar="SOURCE...", nargs=-1)
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
    given = {name for name in values if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
    return {**values, "rules": tuple(ctx.meta.get(RULES, ())), "given": given}
