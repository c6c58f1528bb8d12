"""The help, which rich-click draws in panels; it is loaded only for that."""

from collections.abc import Collection
from typing import Any

import click

_MAX_METAVAR = 20
"""Characters of a list of words that stands beside its option; the help text explains the words of a longer one."""


class PanelOption(click.Option):
    """An option that is shown in a panel of the help."""

    def __init__(self, *names: Any, panel: str, **attributes: Any) -> None:
        """Create an option.

        Args:
            names: see click.Option.
            panel: name of the panel.
            attributes: see click.Option.
        """
        super().__init__(*names, **attributes)
        self.panel = panel
        self.help_style = None

    def make_metavar(self, ctx: click.Context) -> str:
        """Return what stands for the value in the help."""
        if self.count:
            return ""
        if self.metavar is None and isinstance(self.type, click.Choice):
            words = "|".join(map(str, self.type.choices))
            return words if len(words) <= _MAX_METAVAR else "WORD"
        return super().make_metavar(ctx)


def full_help(ctx: click.Context) -> str:
    """Return the help of a command with all its options, in the order of their panels."""
    names = dict.fromkeys(param.panel for param in ctx.command.params if isinstance(param, PanelOption))
    return _draw(ctx, list(names), ctx.command.params, ctx.command.help or "")


def short_help(ctx: click.Context, fields: Collection[str]) -> str:
    """Return the help of a command with some of its options in one panel."""
    title = "Common options"
    params: list[click.Parameter] = []
    for param in ctx.command.params:
        if isinstance(param, PanelOption) and param.name in fields:
            param.panel = title
            params.append(param)
        elif isinstance(param, click.Argument):
            params.append(param)
    total = sum(isinstance(param, PanelOption) for param in ctx.command.params)
    summary = (ctx.command.help or "").partition("\n\n")[0]
    return _draw(ctx, [title], params, f"{summary}\n\nThese are the most common options; --help shows all {total}.")


def _draw(ctx: click.Context, panels: list[str], params: list[click.Parameter], text: str) -> str:
    import rich_click
    from rich_click.rich_panel import RichOptionPanel

    config = rich_click.RichHelpConfiguration(
        max_width=110,
        text_paragraph_linebreaks="\n\n",
        options_panel_title="About",
        options_table_column_types=["opt_short", "opt_long_metavar", "help"],
        options_table_help_sections=["help", "default"],
        append_metavars_help_string="{}",
    )
    rich = rich_click.RichCommand(
        name=ctx.command.name,
        params=params,
        add_help_option=False,
        help=text,
        epilog=ctx.command.epilog,
        panels=[RichOptionPanel(name) for name in panels],
    )
    drawing = rich_click.RichContext(
        rich,
        info_name=ctx.info_name,
        rich_help_config=config,
        show_default=ctx.show_default,
        help_option_names=ctx.help_option_names,
    )
    with drawing:
        return rich.get_help(drawing)
