"""What must hold of a folder after whatever was done to it: nothing lost, nothing doubled, nothing torn."""

import json
from pathlib import Path

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder, check
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.schedule import run_graph
from offbook.harness.matrix.failures import failures
from offbook.harness.matrix.graph import Graph
from tests.chaos.tiny import TINY, content


def resume(folder: Path) -> Graph:
    """Goes on with a run until everything is done."""
    graph = Graph.read(folder)
    pool = InProcess(graph, folder, Silent(), runners=TINY)
    run_graph(graph, folder, pool, progress=Silent(), attempts=5, pause_s=0.0, poll_s=0.01)
    return graph


def faults(folder: Path, expected: dict[str, str]) -> list[str]:
    """What is wrong with a run that was resumed to its end; `expected` is what each stage must have written."""
    graph = Graph.read(folder)
    found = []
    for stage in graph.stages:
        problem = check(artifact_folder(folder, stage.kind, stage.key), stage.key, again=True)
        found += [problem] if problem else []
    made = {} if found else content(folder, graph)
    found += [
        f"{title}: expected {expected[title]}, got {text}" for title, text in made.items() if text != expected[title]
    ]
    there = {path.name for path in (folder / "artifacts").iterdir()}
    stray = there - {artifact_folder(folder, stage.kind, stage.key).name for stage in graph.stages}
    found += [f"an artifact of no stage: {name}" for name in sorted(stray)]
    failures(folder)  # each can be read
    for path in folder.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_bytes())
    if list((folder / "claims").glob("*.json")):
        found.append("a claim of nobody")
    return found
