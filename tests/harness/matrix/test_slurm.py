import signal
import time
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.matrix.claims import holders
from offbook.harness.matrix.executors.schedule import run_graph
from offbook.harness.matrix.executors.slurm import SlurmPool
from offbook.harness.matrix.failures import failures_of
from tests.chaos.tiny import COMMAND, content, key, matrix, notes, planned, stage

pytest.importorskip("submitit")


def pool(folder: Path) -> SlurmPool:
    return SlurmPool(folder, cluster="local", command=COMMAND, cpus=1, poll_s=0.05)


def test_a_run_through_submitit_does_everything_once(tmp_path: Path) -> None:
    graph = planned(tmp_path, matrix(2))
    tally = run_graph(graph, tmp_path, pool(tmp_path), progress=Silent(), pause_s=0.01)
    assert (tally.done, tally.failed, tally.pending) == (4, {}, 0)
    assert content(tmp_path, graph)["student 0"] == "student 0(answers 0(corpus()), answers 1(corpus()))"
    assert sorted(notes(tmp_path, "began")) == sorted(stage.title for stage in graph.stages)


@pytest.mark.slow
def test_a_failed_and_a_killed_job_are_tried_again_and_told(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage("fails", fails=1), stage("killed", kill=int(signal.SIGKILL), alone=True)])
    tally = run_graph(graph, tmp_path, pool(tmp_path), progress=Silent(), pause_s=0.01)
    assert tally.done == 2
    assert [failure.reason for failure in failures_of(tmp_path, key("fails"))] == ["attempt 1"]
    assert [failure.error for failure in failures_of(tmp_path, key("killed"))] == ["Killed"]


@pytest.mark.slow
def test_a_run_that_stops_takes_its_jobs_along(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage("long", sleep=60)])
    where = pool(tmp_path)
    where.start(graph.stages, {key("long"): 3})
    while not notes(tmp_path, "began"):
        time.sleep(0.01)
    (claim,) = holders(tmp_path).values()
    (job,) = where._jobs.values()
    where.stop()
    job._process.wait()  # submitit does not
    while claim.is_alive():
        time.sleep(0.01)


def test_a_heat_on_this_machine_has_it_alone_and_leaves_its_settings_to_itself(tmp_path: Path) -> None:
    where, heat, other = pool(tmp_path), stage("heat", alone=True), stage("other")
    assert where.admits(heat, [])
    assert where.admits(other, [other])
    assert not where.admits(other, [heat])
    assert not where.admits(heat, [other])
    where._executor({"slurm_exclusive": True, "mem_gb": 7.0})
    assert where._executor({})._executor.parameters == where._executor({})._executor.parameters
    assert not {"exclusive", "mem_gb"} & where._executor({})._executor.parameters.keys()


def test_a_machine_without_slurm_and_an_unknown_parameter_are_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected SLURM on this machine, got: "):
        SlurmPool(tmp_path)
    with pytest.raises(ValueError, match=r"expected parameters of submitit, got: .*slurm_color"):
        SlurmPool(tmp_path, cluster="local", parameters={"slurm_color": "red"})
