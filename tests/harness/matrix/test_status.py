import subprocess
import sys
from pathlib import Path

from offbook.engine.progress import Silent
from offbook.harness.matrix.claims import claimed
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.schedule import run_graph
from offbook.harness.matrix.failures import fail
from offbook.harness.matrix.findings import findings
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.progress import progress
from offbook.harness.matrix.status import status
from tests.chaos.tiny import TINY, key, planned, stage


def run(folder: Path, graph: Graph) -> None:
    pool = InProcess(graph, folder, Silent(), runners=TINY)
    run_graph(graph, folder, pool, progress=Silent(), attempts=1, pause_s=0)


def test_done_and_failed_and_pending_are_what_was_expected(tmp_path: Path) -> None:
    stages = [stage("done", kind="drafter"), stage("bad", fails=9), stage("behind", "bad"), stage("last", "behind")]
    run(tmp_path, planned(tmp_path, stages))
    planned(tmp_path, [*stages, stage("new")])
    with claimed(tmp_path, key("new")):
        found = status(tmp_path)
    assert {kind: (count.done, count.failed, count.pending, count.expected) for kind, count in found.kinds.items()} == {
        "drafter": (1, 0, 0, 1),
        "answers": (0, 1, 3, 4),
    }
    assert found.total.done + found.total.failed + found.total.pending == found.total.expected == 5
    assert [one.title for one, _ in found.held] == ["new"]
    assert found.blocked == 2
    told = "\n".join(found.lines())
    assert "bad: failed 1 time, the last with OSError: attempt 1" in told
    assert "2 pending stages wait for one that failed" in told


def test_the_command_tells_it_and_ends_with_one_where_something_failed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "offbook.harness.cli", "status", str(tmp_path)]
    run(tmp_path, planned(tmp_path, [stage("fine"), stage("bad", fails=9)]))
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "all            1 done      1 failed      0 pending = 2" in told.stdout


def test_a_damaged_note_of_a_failure_is_told_and_left_out(tmp_path: Path) -> None:
    run(tmp_path, graph := planned(tmp_path, [stage("fine"), stage("bad", fails=1)]))
    (note,) = (tmp_path / "failures").iterdir()
    note.write_text("zz")
    (tmp_path / "failures" / "x.json").write_text("{}")
    found = status(tmp_path)
    assert (found.total.failed, found.total.pending) == (0, 1)
    assert [f"{name}: " in "\n".join(found.lines()) for name in (note.name, "x.json")] == [True, True]
    assert len(findings(tmp_path)) == 2
    assert progress(tmp_path).total == found.total
    run(tmp_path, graph)
    assert status(tmp_path).total.done == 2
    assert fail(tmp_path, key("bad"), "OSError", "again").attempt == 2
    assert note.read_text() == "zz"
