"""Matrices of tiny stages, and `offbook work` that knows how to do them: what chaos is let loose on.

Every attempt leaves a line in `attempts.log`, so that what was done twice can be told.
"""

import hashlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from offbook.engine.progress import Progress
from offbook.harness.artifacts.manifest import artifact_folder, complete
from offbook.harness.cli.work import main
from offbook.harness.matrix.graph import Graph, Kind, Stage
from offbook.harness.matrix.runners import RUNNERS

ROOT = Path(__file__).parents[2]
PROGRAM = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.chaos.tiny import command; command()"
COMMAND = (sys.executable, "-c", PROGRAM)  # from any folder, also where that is not in the path
TINY = {"drafter": "tests.chaos.tiny:make", "answers": "tests.chaos.tiny:make", "student": "tests.chaos.tiny:make"}


def key(name: object) -> str:
    """A key that is known by a name."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def stage(
    name: object, *needs: object, kind: Kind = "answers", alone: bool = False, size: int = 0, **spec: object
) -> Stage:
    """A stage that writes its name and what its needs wrote.

    `spec` may hold `sleep` (seconds), `fails` (how many attempts raise), `error` (what), `kill` (a signal to itself),
    `damages` (the name of another stage, whose file it changes).
    """
    return Stage(
        key=key(name),
        kind=kind,
        title=str(name),
        spec={"name": str(name), **spec},
        needs=tuple(map(key, needs)),
        alone=alone,
        expected_bytes=size,
    )


def matrix(width: int, *, sleep: float = 0.0) -> Graph:
    """A corpus, `width` answers made from it, and a student of every two answers."""
    answers = [stage(f"answers {i}", "corpus", sleep=sleep) for i in range(width)]
    students = [
        stage(f"student {i}", f"answers {i}", f"answers {i + 1}", kind="student", sleep=sleep)
        for i in range(0, width - 1, 2)
    ]
    return Graph(stages=(*students, *answers, stage("corpus", kind="drafter", sleep=sleep)))


def planned(folder: Path, stages: Graph | Sequence[Stage]) -> Graph:
    """A run's folder with a plan in it."""
    graph = stages if isinstance(stages, Graph) else Graph(stages=tuple(stages))
    folder.mkdir(exist_ok=True)
    graph.write(folder)
    return graph


def make(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Does a tiny stage."""
    attempt = _note(folder, "began", stage)
    spec = stage.spec
    progress.update(1, 2, "half way")
    time.sleep(spec.get("sleep", 0.0))
    if attempt <= spec.get("fails", 0):
        msg = f"attempt {attempt}"
        raise ValueError(msg) if spec.get("error") == "ValueError" else OSError(msg)
    if "kill" in spec and attempt == 1:
        os.kill(os.getpid(), spec["kill"])
        signal.pause()
    plan = Graph.read(folder)
    words = [_text(folder, plan.stage(need)) for need in stage.needs]
    if "damages" in spec:
        (artifact_folder(folder, "answers", key(spec["damages"])) / "text.txt").write_text("damaged")
    made = artifact_folder(folder, stage.kind, stage.key)
    made.mkdir(parents=True, exist_ok=True)
    (made / "text.txt").write_text(f"{spec['name']}({', '.join(words)})")
    complete(made, stage.key, ["text.txt"])
    _note(folder, "ended", stage)


def content(folder: Path, graph: Graph) -> dict[str, str]:
    """What all stages wrote, by title."""
    return {stage.title: _text(folder, stage) for stage in graph.stages}


def notes(folder: Path, what: str) -> list[str]:
    """Titles of the stages that began or ended, in that order."""
    path = folder / "attempts.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{what} ")]


def _text(folder: Path, stage: Stage) -> str:
    return (artifact_folder(folder, stage.kind, stage.key) / "text.txt").read_text()


def _note(folder: Path, what: str, stage: Stage) -> int:
    with (folder / "attempts.log").open("a") as file:
        file.write(f"{what} {stage.title}\n")
    return notes(folder, what).count(stage.title)


def command() -> None:
    """`offbook work` for tiny stages."""
    RUNNERS.update(TINY)
    main()
