"""Nodes and the driver of a Ray cluster die; every stage is done once all the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offbook.harness.matrix.claims import holders
from offbook.harness.matrix.failures import failures
from offbook.harness.matrix.state import done
from tests.chaos.tiny import ROOT, notes, planned, stage

ray = pytest.importorskip("ray", reason="Ray is installed by `nox -s chaos` (the extra [ray])")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]
STAGES, NODE_KILLS = 40, 4
DRIVER = """
import sys
from pathlib import Path
from offbook.engine.progress import Lines
from offbook.harness.matrix.executors.ray import RayPool
from offbook.harness.matrix.executors.schedule import run_graph
from offbook.harness.matrix.graph import Graph
from tests.chaos.tiny import COMMAND
folder = Path(sys.argv[1])
pool = RayPool(folder, address=sys.argv[2], command=COMMAND)
tally = run_graph(Graph.read(folder), folder, pool, progress=Lines(), attempts=5, pause_s=0.1, poll_s=0.2)
sys.exit(0 if tally.done == len(Graph.read(folder)) else 1)
"""


def test_forty_stages_survive_four_dead_nodes_and_a_dead_driver(tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    graph = planned(tmp_path, [stage(i, sleep=0.5) for i in range(STAGES)])
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ.update(environment)  # the nodes inherit it
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]

    def driver() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path), cluster.address], env=environment)

    def wait_for(count: int) -> None:
        while len(set(notes(tmp_path, "ended"))) < count:
            time.sleep(0.05)

    at_work = 0
    try:
        running = driver()
        for kill in range(1, NODE_KILLS + 1):
            wait_for(7 * kill - 4)
            at_work += len(holders(tmp_path))
            cluster.remove_node(nodes.pop(0), allow_graceful=False)
            nodes.append(cluster.add_node(num_cpus=1))
            if kill == 2:
                at_work += len(holders(tmp_path))
                running.send_signal(signal.SIGKILL)
                running.wait()
                running = driver()
        assert running.wait(timeout=300) == 0
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert done(graph, tmp_path) == {one.key for one in graph.stages}
    ended = notes(tmp_path, "ended")
    assert sorted(set(ended)) == sorted(one.title for one in graph.stages)
    assert len(notes(tmp_path, "began")) <= STAGES + at_work
    assert {failure.error for group in failures(tmp_path).values() for failure in group} <= {"Lost", "Killed"}
    assert len(ended) == STAGES  # nothing was done twice to the end
