"""`offbook run`: a matrix file, planned and run; or the plan in a run's folder, gone on with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offbook.engine.paths import user_path
from offbook.engine.progress import progress as bar
from offbook.engine.quoting import quoted_path
from offbook.harness.cli.as_json import AsJson
from offbook.harness.cli.console import quiet, resumable, store_folder
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

if TYPE_CHECKING:
    from offbook.harness.matrix.graph import Graph


def run(
    file: Annotated[
        Path, typer.Argument(help="The matrix, in YAML; or the folder of a run, to go on with the plan in it.")
    ],
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
    as_json: AsJson = False,
) -> None:
    """Run a matrix from its file.

    Models x students x decoders x suites x temperatures x seeds, planned as stages; what the folder holds already is
    not done again. Given the folder of a run, goes on with the plan that is there.
    """
    from offbook.harness.cli.executing import executor_of, failed_json, failed_lines, tell_plan

    path = user_path(file)
    where = executor_of(executor, workers=workers, ray_address=ray_address, slurm=slurm)
    if path.is_dir():
        _check_alone(path, settings, output, answers, include_path)
        folder, graph = path, _planned(path)
    else:
        graph = _plan(path, settings, answers, include_path)
        folder = output or _new_folder(path)
    if dry_run:
        tell_plan(graph, folder, as_json=as_json)
        return
    from offbook.harness.cli.show import show
    from offbook.harness.matrix.running import run_plan

    quiet()
    with resumable(None if path.is_dir() else folder), bar() as progress:
        ran = run_plan(graph, folder, progress, device=device, executor=where, sink=sink)
    if ran.done or as_json:
        show(ran.tables, as_json=as_json, folder=str(folder), **failed_json(ran))
    failed_lines(ran, folder)
    raise typer.Exit(2 if ran.failed or ran.pending else 0)


def _plan(path: Path, settings: list[str] | None, answers: PlanAnswers, include_path: Path | None) -> "Graph":
    from offbook.harness.matrix.plan import plan
    from offbook.harness.settings.matrix import Matrix
    from offbook.harness.settings.parse import load_config

    matrix = load_config(path, Matrix, settings or [])
    return plan(matrix, answers=answers, include_path=include_path)


def _planned(folder: Path) -> "Graph":
    """The plan of a run's folder, which can be written.

    Raises:
        ValueError: it has none, or something is in the way.
    """
    from offbook.harness.matrix.graph import Graph

    store_folder(folder)
    return Graph.read(folder)


def _new_folder(path: Path) -> Path:
    from offbook.harness.artifacts.folders import new_folder

    return new_folder(path.stem)


def _check_alone(
    folder: Path, settings: list[str] | None, output: Path | None, answers: object, include_path: Path | None
) -> None:
    """Refuses what would change a plan that is only gone on with.

    Raises:
        ValueError: there is some of it.
    """
    given = {"NAME=VALUE": settings, "--output": output, "--answers": answers, "--include-path": include_path}
    if wrong := [name for name, value in given.items() if value]:
        msg = (
            f"{quoted_path(folder)}: expected a matrix file beside {wrong[0]}, got a run's folder, whose plan is gone "
            "on with as it is; leave it out, or name the file"
        )
        raise ValueError(msg)
