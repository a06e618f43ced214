"""The command line's root: what `offbook` itself is, before any command."""

from typing import Annotated, Any

import typer
import typer.core

from offbook.harness.cli.exits import STATUSES, told


class Commands(typer.core.TyperGroup):
    """The commands; typer itself would end at Ctrl-C and at a closed pipe without a word to `exits`."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Reads the options before the command, and prints help."""
        with told():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for."""
        with told():
            return super().invoke(ctx)


app = typer.Typer(
    name="offbook",
    cls=Commands,
    help="Benchmarks distillation and speculative decoding: accuracy, acceptance and speed, baselines beside them.",
    epilog=STATUSES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from offbook import __version__

        typer.echo(f"offbook {__version__}")
        raise typer.Exit


@app.callback()
def offbook(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Benchmarks distillation and speculative decoding: accuracy, acceptance and speed, baselines beside them."""
