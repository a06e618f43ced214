import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix.claims import claimed, holders
from offbook.harness.matrix.failures import failures_of
from offbook.harness.matrix.state import done
from offbook.harness.matrix.worker import Outcome, work
from tests.chaos.tiny import COMMAND, TINY, content, key, matrix, notes, planned, stage


def do(folder: Path, name: str, attempts: int = 3) -> Outcome:
    return work(folder, key(name), progress=Silent(), attempts=attempts, runners=TINY)


def spawn(folder: Path, name: str, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([*COMMAND, str(folder), key(name)[:12], *options], stderr=subprocess.PIPE, text=True)


def test_a_stage_is_done_once_and_found_done_ever_after(tmp_path: Path) -> None:
    graph = planned(tmp_path, matrix(2))
    assert do(tmp_path, "corpus") is Outcome.DONE
    assert do(tmp_path, "corpus") is Outcome.DONE
    assert notes(tmp_path, "began") == ["corpus"]
    assert done(graph, tmp_path) == {key("corpus")}


def test_a_stage_waits_for_what_it_needs(tmp_path: Path) -> None:
    graph = planned(tmp_path, matrix(2))
    assert do(tmp_path, "student 0") is Outcome.LATER
    for name in ("corpus", "answers 0", "answers 1", "student 0"):
        assert do(tmp_path, name) is Outcome.DONE
    assert content(tmp_path, graph)["student 0"] == "student 0(answers 0(corpus()), answers 1(corpus()))"
    (artifact_folder(tmp_path, "answers", key("answers 0")) / "text.txt").write_text("answers 0(corpus(!)")
    assert done(graph, tmp_path) == {key("corpus"), key("answers 1"), key("student 0")}
    assert do(tmp_path, "answers 0") is Outcome.DONE


def test_a_stage_that_another_process_does_is_left_to_it(tmp_path: Path) -> None:
    planned(tmp_path, matrix(2))
    with claimed(tmp_path, key("corpus")):
        assert do(tmp_path, "corpus") is Outcome.LATER
    assert notes(tmp_path, "began") == []


def test_failures_are_recorded_raised_and_bounded(tmp_path: Path) -> None:
    planned(tmp_path, [stage("often", fails=9)])
    for attempt in (1, 2, 3):
        with pytest.raises(OSError, match=f"attempt {attempt}"):
            do(tmp_path, "often")
    with pytest.raises(ValueError, match="got 3, the last with OSError: attempt 3; see to it"):
        do(tmp_path, "often")
    recorded = failures_of(tmp_path, key("often"))
    assert [(failure.attempt, failure.error, failure.reason) for failure in recorded] == [
        (attempt, "OSError", f"attempt {attempt}") for attempt in (1, 2, 3)
    ]
    assert holders(tmp_path) == {}
    with pytest.raises(OSError, match="attempt 4"):
        do(tmp_path, "often", attempts=4)


def test_a_runner_that_leaves_nothing_has_failed(tmp_path: Path) -> None:
    planned(tmp_path, [stage("nothing")])
    with pytest.raises(AssertionError, match="nothing ended without its result"):
        work(tmp_path, key("nothing"), progress=Silent(), runners={"answers": f"{__name__}:leaves_nothing"})
    assert failures_of(tmp_path, key("nothing"))[0].error == "AssertionError"


def leaves_nothing(*_: object, **__: object) -> None:
    """A runner."""


def test_the_command_tells_by_its_status_what_came_of_it(tmp_path: Path) -> None:
    planned(tmp_path, [stage("fails", fails=1), stage("needs it", "fails")])
    children = [spawn(tmp_path, "needs it"), spawn(tmp_path, "fails"), spawn(tmp_path, "no such stage")]
    ends = [(child.communicate()[1], child.returncode) for child in children]
    assert ends[0] == ("needs it: waits for fails\n", 75)
    assert ends[1] == ("offbook: error: attempt 1\n", 2)
    assert ends[2][1] == 2
    assert ends[2][0].startswith("offbook: error: expected the key of one of 2 stages")
    child = spawn(tmp_path, "fails")
    assert child.communicate()[1] == ""
    assert child.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_neither_a_claim_nor_a_failure(tmp_path: Path, number: signal.Signals) -> None:
    graph = planned(tmp_path, [stage("long", sleep=60)])
    child = spawn(tmp_path, "long")
    while not notes(tmp_path, "began"):
        time.sleep(0.01)
    child.send_signal(number)
    said = child.communicate()[1]
    assert child.returncode == 128 + number
    assert f"go on with: offbook work {tmp_path}" in said
    assert done(graph, tmp_path) == set()
    assert list((tmp_path / "claims").iterdir()) == []
    assert not (tmp_path / "failures").exists()


def test_an_attached_worker_ends_with_its_executor(tmp_path: Path) -> None:
    planned(tmp_path, [stage("long", sleep=60)])
    child = subprocess.Popen(
        [*COMMAND, str(tmp_path), key("long"), "--attached"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    with child.stdout:
        assert child.stdout.readline() == '{"done": 1, "total": 2, "message": "half way"}\n'
        child.stdin.close()
        assert child.wait() == 128 + signal.SIGTERM
    assert list((tmp_path / "claims").iterdir()) == []


def test_a_worker_has_taken_its_stage_before_it_has_loaded_anything_heavy(tmp_path: Path) -> None:
    planned(tmp_path, [stage("light")])
    heavy = ("torch", "lm_eval", "transformers", "pandas", "numpy", "datasets", "pydantic")
    program = f"""
import sys
from offbook.harness.cli.work import main
from offbook.harness.matrix import claims, graph, runners, state, status, worker
from offbook.harness.matrix.executors import groups, in_process, local, schedule
runners.RUNNERS["answers"] = "tests.chaos.tiny:make"
try:
    main([{str(tmp_path)!r}, {key("light")!r}])
except SystemExit:
    print([name for name in {heavy} if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert told.stdout.strip() == "[]"


def test_the_command_reads_its_options_strictly(tmp_path: Path) -> None:
    planned(tmp_path, [stage("it")])
    ends = {}
    for options in (["--attempts", "0"], ["--attempt", "3"], ["more"]):
        child = spawn(tmp_path, "it", *options)
        ends[options[0]] = (child.communicate()[1], child.returncode)
    assert ends["--attempts"][0].startswith("offbook: error: work: argument --attempts: expected a whole number")
    assert all(status == 2 and said.count("\n") == 1 for said, status in ends.values())
