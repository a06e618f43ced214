"""The target's features that drafters of a run learn from: computed once for all, and removed behind the last of them.

    artifacts/features-<key of the answers, 12 digits>/

To compute them takes longer than many a training, and drafters that read the same states of the target read the same
files. They are large, so nothing keeps them longer than a drafter of the plan may ask for them.
"""

import shutil
from pathlib import Path

from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.state import is_done

PREFIX = "features-"


def features_folder(folder: Path, answers: str) -> Path:
    """Where a run keeps those of the answers of a key."""
    return folder / "artifacts" / f"{PREFIX}{answers[:12]}"


def drop_features(graph: Graph, folder: Path, *, made: str = "") -> None:
    """Removes what no drafter that is still to be made needs.

    Args:
        graph: the plan.
        folder: of the run.
        made: key of a drafter that needs them no longer, though it is not declared done yet.
    """
    there = [*(folder / "artifacts").glob(f"{PREFIX}*")]
    if not there:
        return
    open_ = [stage for stage in graph.of_kind("drafter") if stage.key != made and not is_done(stage, folder)]
    needed = {features_folder(folder, key) for stage in open_ for key in stage.needs}
    for path in there:
        if path not in needed:
            shutil.rmtree(path, ignore_errors=True)
