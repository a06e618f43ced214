"""`offbook reproduce`: a profile from model to tables, held against the committed ones."""

from typing import Annotated

import typer

from offbook.engine.progress import Silent
from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable, terminal
from offbook.harness.cli.options import Answers, Device, StoreOutput


def reproduce(
    profile: Annotated[
        str, typer.Option("--profile", help="A profile's name, or a YAML file; see `offbook ls`.")
    ] = "laptop",
    output: StoreOutput = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Resume nothing.")] = False,
    answers: Answers = "shipped",
    device: Device = "auto",
) -> None:
    """Run a whole profile again.

    From model to leaderboard, held against the committed one; an unfinished run is resumed.
    """
    from offbook.harness.roster.decoders import contender
    from offbook.harness.settings.profiles import load_profile

    name, content = load_profile(profile)
    for decoder in content.decoders:
        contender(decoder)
    from offbook.harness.matrix.folders import open_run
    from offbook.harness.matrix.reproduce import check_machine, verdict_lines
    from offbook.harness.matrix.reproduce import reproduce as run
    from offbook.harness.matrix.students import plan_half
    from offbook.harness.suites.suite import find_suites
    from offbook.harness.tables.report import report as show

    check_machine(content, device)  # this and what follows before there is a folder
    find_suites(list(content.suites))
    if content.students is not None:
        plan_half(content, Silent())
    folder, resumed = open_run(name, content, output=output, fresh=fresh)
    typer.echo(f"{'resuming' if resumed else 'running'} profile {name} in {folder}", err=True)
    quiet()
    with resumable(folder):
        with bar() as progress:
            verdicts = run(content, folder, progress, answers=answers, device=device)
        show(folder, console=terminal())
    for line in verdict_lines(verdicts):
        typer.echo(line, err=True)
    typer.echo(f"records and tables in {folder}", err=True)
    raise typer.Exit(1 if verdicts.differs else 0)
