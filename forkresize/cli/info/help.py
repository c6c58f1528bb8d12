"""The help, which rich-click draws in panels; it is loaded for that alone. Holds no option."""

from typing import Any

import click


class PanelOption(click.Option):
    """An option that is shown in a panel of the help."""

    def __init__(self, *names: Any, panel: str, **attributes: Any) -> None:
        """Make an option.

        Args:
            names: see click.Option.
            panel: name of the panel.
            attributes: see click.Option.
        """
        super().__init__(*names, **attributes)
        self.panel = panel
        self.help_style = None


def rich_help(ctx: click.Context) -> str:
    """Return a command's help, in the order of its options' panels and no wider than 110 columns."""
    import rich_click
    from rich_click.rich_panel import RichOptionPanel

    config = rich_click.RichHelpConfiguration(
        max_width=110,
        text_paragraph_linebreaks="\n\n",
        options_panel_title="About",
        options_table_column_types=["opt_short", "opt_long", "help"],
        options_table_help_sections=["help", "metavar", "default"],
    )
    command = ctx.command
    names = dict.fromkeys(param.panel for param in command.params if isinstance(param, PanelOption))
    rich = rich_click.RichCommand(
        name=command.name,
        params=command.params,
        help=command.help,
        epilog=command.epilog,
        panels=[RichOptionPanel(name) for name in names],
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
