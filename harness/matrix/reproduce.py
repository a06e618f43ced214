"""`offbook reproduce`: runs a profile, and holds its tables against the committed ones.

Committed results are read at the very end only.
"""

from pathlib import Path

from offbook.engine.progress import Progress
from offbook.harness.matrix.estimates import COMMITTED
from offbook.harness.matrix.executors.choose import Executor
from offbook.harness.matrix.folders import finish
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.running import Ran, run_plan
from offbook.harness.settings.sink import SinkKind
from offbook.harness.tables.reproduction import NamedComparison, compare_folders


def reproduce(
    graph: Graph,
    folder: Path,
    progress: Progress,
    *,
    device: str = "auto",
    executor: Executor | None = None,
    sink: SinkKind | None = None,
    committed: Path = COMMITTED,
) -> tuple[Ran, list[NamedComparison]]:
    """Runs what is missing of a profile in `folder`.

    Args:
        graph: the profile's plan.
        folder: of the run.
        progress: is told how far it is.
        device: auto, cpu or cuda.
        executor: where stages run; in this process by default.
        sink: an experiment tracker that is told of every trial.
        committed: the folder of results to hold the fresh tables against.

    Raises:
        ValueError: see `run_plan`.
    """
    ran = run_plan(graph, folder, progress, device=device, executor=executor, sink=sink)
    compared = compare_folders(folder, committed)
    if not (ran.failed or ran.pending):
        finish(folder, compared={part.name: dict(part.counts) for part in compared} or None)
    return ran, compared
