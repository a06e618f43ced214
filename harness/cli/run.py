"""`offbook run`: a matrix file, planned and run."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.paths import user_path
from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable
from offbook.harness.cli.options import (
    Device,
    ExecutorKind,
    IncludePath,
    PlanAnswers,
    RayAddress,
    SinkOption,
    SlurmSettings,
    StoreOutput,
    Workers,
)


def run(
    file: Annotated[Path, typer.Argument(help="The matrix, in YAML.")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Settings over those of the file.")
    ] = None,
    output: StoreOutput = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "--dry_run", help="Tell the stages, and do nothing.")] = False,
    answers: PlanAnswers = None,
    include_path: IncludePath = None,
    executor: ExecutorKind = "auto",
    workers: Workers = None,
    ray_address: RayAddress = None,
    slurm: SlurmSettings = None,
    sink: SinkOption = None,
    device: Device = "auto",
) -> None:
    """Run a matrix from its file.

    Models x students x decoders x suites x temperatures x seeds, planned as stages; what the folder holds already is
    not done again.
    """
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.cli.executing import executor_of, failed_lines, tell_plan
    from offbook.harness.matrix.plan import plan
    from offbook.harness.settings.matrix import Matrix
    from offbook.harness.settings.parse import load_config

    path = user_path(file)
    matrix = load_config(path, Matrix, settings or [])
    where = executor_of(executor, workers=workers, ray_address=ray_address, slurm=slurm)
    graph = plan(matrix, answers=answers, include_path=include_path)
    folder = output or new_folder(path.stem)
    if dry_run:
        tell_plan(graph, folder)
        return
    from offbook.harness.cli.show import show
    from offbook.harness.matrix.running import run_plan

    quiet()
    with resumable(folder), bar() as progress:
        ran = run_plan(graph, folder, progress, device=device, executor=where, sink=sink)
    if ran.done:
        show(ran.tables)
    failed_lines(ran, folder)
    raise typer.Exit(2 if ran.failed or ran.pending else 0)
