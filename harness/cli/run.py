"""`offbook run`: a matrix file, planned and run."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.paths import user_path
from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable, store_folder, terminal

COMMITTED = Path(__file__).resolve().parents[2] / "results"


def run(
    file: Annotated[Path, typer.Argument(help="The matrix, in YAML.")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Settings over those of the file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "--output-path", "--output_path", callback=store_folder, help="The run's folder."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--dry_run", help="Tell the stages, and do nothing.")] = False,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Run a matrix from its file.

    Models x students x decoders x suites x temperatures x seeds, planned as stages; what the folder holds already is
    not done again.
    """
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.matrix.estimates import Estimates, told
    from offbook.harness.matrix.executors.in_process import InProcess
    from offbook.harness.matrix.executors.schedule import run_graph
    from offbook.harness.matrix.plan import plan
    from offbook.harness.matrix.state import done
    from offbook.harness.settings.matrix import Matrix
    from offbook.harness.settings.overrides import overridden
    from offbook.harness.settings.parse import parse
    from offbook.harness.settings.strict_yaml import load_yaml

    path = user_path(file)
    matrix = parse(Matrix, overridden(load_yaml(path), settings or []), source=str(path))
    graph = plan(matrix)
    folder = output or new_folder(path.stem)
    if dry_run:
        rates, there = Estimates(folder, COMMITTED), done(graph, folder)
        for stage in graph.stages:
            typer.echo(told(stage, rates.of(stage), done=stage.key in there))
        typer.echo(f"{len(graph)} stages, {len(there)} of them there already", err=True)
        return
    graph.write(folder)
    quiet()
    with resumable(folder), bar() as progress:
        pool = InProcess(graph, folder, progress, device=device)
        tally = run_graph(graph, folder, pool, progress=progress)
    from offbook.harness.tables.report import report as show

    if tally.done:
        show(folder, console=terminal())
    for key, failure in tally.failed.items():
        typer.echo(f"failed: {graph.stage(key).title}: {failure.error}: {failure.reason}", err=True)
    counted = f"{tally.done} done, {len(tally.failed)} failed, {tally.pending} pending"
    typer.echo(f"{counted}; records and tables in {folder}", err=True)
    raise typer.Exit(2 if tally.failed or tally.pending else 0)
