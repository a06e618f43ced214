import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix.claims import claimed, holders
from offbook.harness.matrix.executors.groups import CORES_A_GROUP, Group, groups
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.local import Processes
from offbook.harness.matrix.executors.schedule import Pool, Tally, run_graph
from offbook.harness.matrix.failures import failures_of
from offbook.harness.matrix.graph import Graph
from tests.chaos.tiny import COMMAND, TINY, content, key, matrix, notes, planned, stage

SLOTS = [Group(cores=(), threads=1)] * 3


class Heard(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def pool(graph: Graph, folder: Path, kind: str, memory: int | None = None) -> Pool:
    if kind == "in process":
        return InProcess(graph, folder, Silent(), runners=TINY)
    return Processes(folder, Silent(), command=COMMAND, slots=SLOTS, memory=memory)


def run(
    graph: Graph, folder: Path, kind: str = "processes", progress: Silent | None = None, attempts: int = 3
) -> Tally:
    where = pool(graph, folder, kind)
    return run_graph(graph, folder, where, progress=progress or Silent(), attempts=attempts, pause_s=0.01, poll_s=0.05)


KINDS = pytest.mark.parametrize("kind", ["in process", "processes"])


@KINDS
def test_everything_is_done_once_in_an_order_that_can_be_done(tmp_path: Path, kind: str) -> None:
    graph = planned(tmp_path, matrix(4))
    assert run(graph, tmp_path, kind) == Tally(done=7, failed={}, pending=0)
    began = notes(tmp_path, "began")
    assert sorted(began) == sorted(stage.title for stage in graph.stages)
    for one in graph.stages:
        assert all(began.index(graph.stage(need).title) < began.index(one.title) for need in one.needs)
    assert content(tmp_path, graph)["student 2"] == "student 2(answers 2(corpus()), answers 3(corpus()))"
    assert run(graph, tmp_path, kind).done == 7
    assert notes(tmp_path, "began") == began  # a second run finds everything done


@KINDS
def test_what_fails_is_tried_again_within_bounds_and_the_rest_goes_on(tmp_path: Path, kind: str) -> None:
    graph = planned(
        tmp_path,
        [
            stage("once", fails=1),
            stage("always", fails=99),
            stage("mistake", fails=99, error="ValueError"),
            stage("behind", "always"),
            stage("fine", "once"),
        ],
    )
    for attempts in (2, 3):  # a second run tries anew
        tally = run(graph, tmp_path, kind, attempts=attempts)
        assert (tally.done, tally.pending) == (2, 1)
        assert {failure.reason: failure.error for failure in tally.failed.values()}.keys()
        assert tally.failed.keys() == {key("always"), key("mistake")}
    assert notes(tmp_path, "began").count("once") == 2
    assert notes(tmp_path, "began").count("always") == 2 + 3
    assert notes(tmp_path, "began").count("mistake") == 2  # nobody makes it right by asking again
    assert len(failures_of(tmp_path, key("always"))) == 5


def test_a_process_that_is_killed_is_a_failure_too(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage("killed", kill=int(signal.SIGKILL))])
    assert run(graph, tmp_path).done == 1
    (failure,) = failures_of(tmp_path, key("killed"))
    assert (failure.error, failure.reason) == ("Killed", "by signal 9")


def test_an_artifact_that_is_damaged_before_a_run_is_made_again(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage("first"), stage("second", "first")])
    run(graph, tmp_path, "in process")
    (artifact_folder(tmp_path, "answers", key("first")) / "text.txt").write_text("other")
    assert run(graph, tmp_path, "in process").done == 2
    assert notes(tmp_path, "began") == ["first", "second", "first"]


@KINDS
def test_an_artifact_that_is_damaged_during_a_run_is_made_again_before_it_is_used(tmp_path: Path, kind: str) -> None:
    vandal = stage("vandal", "first", damages="first")
    graph = planned(tmp_path, [stage("first"), vandal, stage("third", "first", "vandal")])
    heard = Heard()
    assert run(graph, tmp_path, kind, heard).done == 3
    assert content(tmp_path, graph)["third"] == "third(first(), vandal(first()))"
    assert notes(tmp_path, "began") == ["first", "vandal", "first", "third"]
    assert "first: damaged or gone; made again" in heard.lines


def test_what_another_process_does_is_waited_for(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage("theirs", sleep=0.5), stage("ours", "theirs")])
    other = subprocess.Popen([*COMMAND, str(tmp_path), key("theirs")])
    while not holders(tmp_path):
        time.sleep(0.01)
    heard = Heard()
    assert run(graph, tmp_path, progress=heard).done == 2
    assert f"theirs: process {other.pid} on {os.uname().nodename} does it; this one waits" in heard.lines
    assert other.wait() == 0
    assert notes(tmp_path, "began") == ["theirs", "ours"]


def test_a_worker_that_finds_a_stage_taken_does_not_count_as_failed(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage("theirs")])
    where = pool(graph, tmp_path, "in process")
    with claimed(tmp_path, key("theirs")):
        where.start(graph.stages, {key("theirs"): 3})
        assert [end.status for end in where.ended(0)] == [75]


def test_stages_run_side_by_side_only_where_there_is_room(tmp_path: Path) -> None:
    a, b, big, alone = stage("a", size=2), stage("b", size=3), stage("big", size=100), stage("alone", alone=True)
    where = pool(planned(tmp_path, [a, b, big, alone]), tmp_path, "processes", memory=5)
    assert where.admits(big, [])  # or it would never run
    assert where.admits(b, [a])
    assert not where.admits(b, [a, stage("c", size=1)])
    assert not where.admits(alone, [a])
    assert not where.admits(a, [alone])
    assert not where.admits(stage("none"), [stage("none")] * len(SLOTS))


def test_alone_means_alone(tmp_path: Path) -> None:
    graph = planned(tmp_path, [stage(i, sleep=0.05, alone=i % 2 == 0) for i in range(6)])
    assert run(graph, tmp_path).done == 6
    lines = (tmp_path / "attempts.log").read_text().splitlines()
    for i in (0, 2, 4):
        place = lines.index(f"began {i}")
        assert lines[place + 1] == f"ended {i}"


def test_no_core_is_in_two_groups_and_no_thread_without_one() -> None:
    cores = len(os.sched_getaffinity(0))
    for count in (None, 1, 2, 64):
        found = groups(count, gpus=[])
        assert len(found) == max(1, min(count or cores // CORES_A_GROUP, cores))
        assert sum(group.threads for group in found) <= cores
        held = [core for group in found for core in group.cores]
        assert len(set(held)) == len(held)
        assert all(group.environment()["OMP_NUM_THREADS"] == str(group.threads) for group in found)
    assert [group.gpu for group in groups(gpus=["0", "1"])] == ["0", "1"][:cores]
    assert groups(gpus=["3"])[0].environment()["CUDA_VISIBLE_DEVICES"] == "3"


TELLS = """
import os, pathlib, sys
told = f"{os.environ['OMP_NUM_THREADS']} {sorted(os.sched_getaffinity(0))}"
pathlib.Path(sys.argv[1], "told").write_text(told)
"""


def test_a_child_has_its_cores_and_threads(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    graph = planned(tmp_path, [stage("it")])
    program = tmp_path / "tells.py"
    program.write_text(TELLS)
    one = [Group(cores=(core,), threads=1)]
    where = Processes(tmp_path, Silent(), command=[sys.executable, str(program)], slots=one)
    where.start(graph.stages, {key("it"): 3})
    assert [end.status for end in where.ended(60)] == [0]
    assert (tmp_path / "told").read_text() == f"1 [{core}]"


PROGRAM = """
import sys
from pathlib import Path
from offbook.engine.progress import Silent
from offbook.harness.cli.console import resumable
from offbook.harness.cli.exits import ended, told
from offbook.harness.matrix.executors.local import Processes
from offbook.harness.matrix.executors.schedule import run_graph
from offbook.harness.matrix.graph import Graph
from tests.chaos.tiny import COMMAND
folder = Path(sys.argv[1])
def run():
    with told(), resumable():
        graph = Graph.read(folder)
        run_graph(graph, folder, Processes(folder, Silent(), command=COMMAND, memory=1 << 40), progress=Silent())
sys.exit(ended(run, ["run", "x.yaml"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_or_killed_it_leaves_no_child_and_goes_on_later(tmp_path: Path, number: signal.Signals) -> None:
    graph = planned(tmp_path, [stage("quick"), stage("long", "quick", sleep=60)])
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    while "long" not in notes(tmp_path, "began"):
        time.sleep(0.01)
    (claim,) = holders(tmp_path).values()
    parent.send_signal(number)
    said = parent.communicate()[1]
    assert parent.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL:
        assert "what is done is kept; go on with: offbook run x.yaml" in said
        assert not claim.is_alive()
    while claim.is_alive():
        time.sleep(0.01)
    planned(tmp_path, [*graph.stages[:1], stage("long", "quick")])
    assert run(Graph.read(tmp_path), tmp_path, "in process").done == 2
    assert notes(tmp_path, "began") == ["quick", "long", "long"]
