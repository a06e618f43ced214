"""One matrix through every executor: the same stages, the same bytes; and a run that changes executors on its way."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix.executors.groups import Group
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.local import Processes
from offbook.harness.matrix.executors.ray import RayPool
from offbook.harness.matrix.executors.schedule import Pool, run_graph
from offbook.harness.matrix.executors.slurm import SlurmPool
from offbook.harness.matrix.graph import Graph
from tests.chaos.tiny import COMMAND, TINY, matrix, notes, planned

ray = pytest.importorskip("ray", reason="Ray is installed by `nox -s chaos` (the extra [ray])")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*ray.*:FutureWarning", "ignore::DeprecationWarning"),
]

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of two nodes on this machine."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


def pool(kind: str, graph: Graph, folder: Path, address: str) -> Pool:
    match kind:
        case "in process":
            return InProcess(graph, folder, Silent(), runners=TINY)
        case "processes":
            return Processes(folder, Silent(), command=COMMAND, slots=[Group(cores=(), threads=1)] * 2)
        case "ray":
            return RayPool(folder, address=address, command=COMMAND)
        case _:
            return SlurmPool(folder, cluster="local", command=COMMAND, cpus=1, poll_s=0.05)


def everything(graph: Graph, folder: Path) -> dict[str, bytes]:
    """All files of all artifacts but the memory of when they were read."""
    found = {}
    for stage in graph.stages:
        place = artifact_folder(folder, stage.kind, stage.key)
        found |= {str(path.relative_to(folder)): path.read_bytes() for path in place.iterdir() if path.name[0] != "."}
    return found


def test_the_same_matrix_gives_the_same_keys_and_bytes_on_every_executor(tmp_path: Path, address: str) -> None:
    results: dict[str, dict[str, bytes]] = {}
    for kind in ("in process", "processes", "ray", "submitit"):
        folder = tmp_path / kind
        graph = planned(folder, matrix(4))
        tally = run_graph(graph, folder, pool(kind, graph, folder, address), progress=Silent())
        assert (tally.done, tally.failed, tally.pending) == (len(graph), {}, 0)
        assert sorted(notes(folder, "began")) == sorted(stage.title for stage in graph.stages)
        results[kind] = everything(graph, folder)
    assert all(result == results["in process"] for result in results.values())


def test_a_run_may_begin_on_one_executor_and_end_on_another(tmp_path: Path, address: str) -> None:
    graph = planned(tmp_path, matrix(8))
    whole: Any = graph.stages
    for number, kind in enumerate(("submitit", "ray", "processes", "in process"), start=1):
        part = Graph(stages=whole[: len(whole) * number // 4])
        assert run_graph(part, tmp_path, pool(kind, graph, tmp_path, address), progress=Silent()).done == len(part)
    assert sorted(notes(tmp_path, "began")) == sorted(stage.title for stage in graph.stages)
