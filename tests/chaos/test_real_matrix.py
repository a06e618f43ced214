"""Two students, three decoders, three suites, two seeds, through every executor: the same keys, the same answers."""

from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.matrix.executors.groups import Group
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.local import Processes
from offbook.harness.matrix.executors.ray import RayPool
from offbook.harness.matrix.executors.schedule import Pool, run_graph
from offbook.harness.matrix.executors.slurm import SlurmPool
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from tests.matrices import matrix
from tests.tiny import save_tiny

ray = pytest.importorskip("ray", reason="Ray is installed by `nox -s chaos` (the extra [ray])")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*ray.*:FutureWarning", "ignore::DeprecationWarning"),
]
MEASURED = ("prefill_s", "decode_s", "draft_s", "target_s", "peak_bytes")  # of a row


def content(model: Path) -> dict[str, Any]:
    return {
        "models": {str(model): {}},
        "students": {"one": {"method": "single_rationale"}, "all": {"method": "uniform_rationales"}},
        "training": {"gradient_tokens": 600, "questions_per_step": 2, "evaluations": 1, "max_length": 4096},
        "corpus": {"questions": 7, "dev_questions": 7},
        "decoders": {"autoregressive": {}, "prompt_lookup": {}, "eagle2": {"options": {"total_tokens": 6}}},
        "drafters": {
            **{"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128},
            "source": "regenerate",
        },
        "suites": {name: {"max_new_tokens": 4, "limit": 1} for name in ("qa", "maths", "extraction")},
        "seeds": [0, 1],
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }


def answers(folder: Path) -> dict[str, str]:
    """What was answered and how it was scored, by key of the record."""
    held = whole(Store(folder))
    found = {}
    for cell in (*held.cells, *held.exams):
        rows = [{k: v for k, v in row.model_dump(mode="json").items() if k not in MEASURED} for row in cell.rows]
        found[cell.record.key] = canonical_sha256({"rows": rows})
    return found


@pytest.mark.timeout(3600)
def test_a_real_matrix_gives_the_same_keys_and_answers_on_every_executor(tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    graph = plan(matrix(content(save_tiny(tmp_path / "tiny"))))
    assert len(graph.of_kind("heat")) == 3 * 3 * 2
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    found: dict[str, dict[str, str]] = {}
    try:
        for kind in ("in process", "processes", "ray", "submitit"):
            folder = tmp_path / kind
            graph.write(folder)
            tally = run_graph(graph, folder, _pool(kind, graph, folder, cluster.address), progress=Silent())
            assert (tally.done, tally.failed, tally.pending) == (len(graph), {}, 0), kind
            found[kind] = answers(folder)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert len(found["in process"]) == 3 * 3 * 2 * 3 + 3
    assert all(result == found["in process"] for result in found.values())


def _pool(kind: str, graph: Graph, folder: Path, address: str) -> Pool:
    match kind:
        case "in process":
            return InProcess(graph, folder, Silent(), device="cpu")
        case "processes":
            return Processes(folder, Silent(), device="cpu", slots=[Group(cores=(), threads=1)] * 2)
        case "ray":
            return RayPool(folder, address=address, device="cpu")
        case _:
            return SlurmPool(folder, cluster="local", device="cpu", cpus=1, poll_s=0.2)
