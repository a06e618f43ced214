"""`offbook reproduce`: a profile from model to tables, held against the committed ones."""

from typing import Annotated

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.as_json import AsJson
from offbook.harness.cli.completing import profiles
from offbook.harness.cli.console import quiet, resumable
from offbook.harness.cli.derived import SetSettings
from offbook.harness.cli.options import (
    Device,
    ExecutorKind,
    PlanAnswers,
    RayAddress,
    SinkOption,
    SlurmSettings,
    StoreOutput,
    Workers,
)


def reproduce(
    profile: Annotated[
        str,
        typer.Option("--profile", autocompletion=profiles, help="A profile's name, or a YAML file; see `offbook ls`."),
    ] = "laptop",
    output: StoreOutput = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Resume nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--dry_run", help="Tell the stages, and do nothing.")] = False,
    answers: PlanAnswers = None,
    executor: ExecutorKind = "auto",
    workers: Workers = None,
    ray_address: RayAddress = None,
    slurm: SlurmSettings = None,
    sink: SinkOption = None,
    device: Device = "auto",
    settings: SetSettings = None,
    as_json: AsJson = False,
) -> None:
    """Run a whole profile again.

    From model to leaderboard, held against the committed one; an unfinished run is resumed. Decoders in a layout of the
    weights that this machine does not have, and suites of exams whose data sets are not here, are left out, and named.
    """
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.cli.executing import executor_of, failed_json, failed_lines, tell_plan
    from offbook.harness.matrix.folders import open_run, unfinished
    from offbook.harness.matrix.layouts_here import without_missing_layouts
    from offbook.harness.matrix.plan import plan
    from offbook.harness.matrix.suites_here import without_missing_data
    from offbook.harness.roster.target import resolve_device
    from offbook.harness.settings.profiles import load_profile

    name, content = load_profile(profile, settings or [])
    where = executor_of(executor, workers=workers, ray_address=ray_address, slurm=slurm)
    runnable, left_out = without_missing_layouts(content, device)
    graph = plan(runnable, answers=answers)  # this and what follows before there is a folder
    runnable, not_here = without_missing_data(runnable)
    if not_here:
        graph = plan(runnable, answers=answers)
    for line in (*left_out, *not_here):
        typer.echo(line, err=True)
    if dry_run:
        tell_plan(graph, output or unfinished(name, content) or new_folder(name), as_json=as_json)
        return
    resolve_device(device)
    folder, resumed = open_run(name, content, output=output, fresh=fresh)
    typer.echo(f"{'resuming' if resumed else 'running'} profile {name} in {folder}", err=True)
    from offbook.harness.cli.show import show
    from offbook.harness.matrix.reproduce import reproduce as run
    from offbook.harness.tables.reproduction import verdict_lines

    quiet()
    with resumable(folder):
        with bar() as progress:
            ran, compared = run(graph, folder, progress, device=device, executor=where, sink=sink)
        held = {part.name: part.counts for part in compared}
        show(ran.tables, as_json=as_json, folder=str(folder), compared=held, **failed_json(ran))
    for line in verdict_lines(compared):
        typer.echo(line, err=True)
    failed_lines(ran, folder)
    if ran.failed or ran.pending:
        raise typer.Exit(2)
    raise typer.Exit(1 if any(part.differs for part in compared) else 0)
