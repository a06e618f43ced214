"""What `offbook verify` says of a run's folder beside its records."""

import json
import shutil
from pathlib import Path

import pytest

from offbook.harness.artifacts.manifest import NAME, artifact_folder
from offbook.harness.cli.main import main
from offbook.harness.matrix.failures import fail
from offbook.harness.matrix.findings import findings
from offbook.harness.matrix.graph import Graph
from tests.chaos.judge import resume
from tests.chaos.tiny import key, matrix, planned

CORPUS = key("corpus")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of artifacts alone, done."""
    planned(tmp_path, matrix(2))
    resume(tmp_path)
    (tmp_path / "records").mkdir()
    return tmp_path


def one(run: Path, said: str) -> None:
    (found,) = findings(run)
    assert said in found
    assert "\n" not in found


def test_a_run_that_is_whole_has_none(run: Path) -> None:
    assert findings(run) == findings(run, again=True) == []


def test_a_damaged_artifact_is_named_with_and_without_a_plan(run: Path) -> None:
    place = artifact_folder(run, "drafter", CORPUS)
    (place / "text.txt").write_text("CORPUS()")
    one(run, f"{place.name}: expected SHA-256")
    (run / "plan.json").unlink()
    one(run, f"{place.name}: expected SHA-256")


def test_an_artifact_under_the_name_of_another_one(run: Path) -> None:
    place, other = (artifact_folder(run, "answers", key(f"answers {i}")) for i in range(2))
    shutil.rmtree(place)
    shutil.copytree(other, place)
    (run / "plan.json").unlink()
    one(run, f"expected the artifact {place.name.removeprefix('answers-')}")


def test_an_artifact_that_something_was_made_of_may_not_be_gone_nor_half_there(run: Path) -> None:
    place = artifact_folder(run, "drafter", CORPUS)
    (place / NAME).unlink()
    one(run, "left half made")
    shutil.rmtree(place)
    one(run, "found none")


def test_what_was_never_done_is_no_finding(tmp_path: Path) -> None:
    planned(tmp_path, matrix(2))
    artifact_folder(tmp_path, "drafter", CORPUS).mkdir(parents=True)
    assert findings(tmp_path) == []


def test_an_edited_plan_and_a_failure_that_is_none(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "plan.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"stages": content["stages"][:-1]}))
    failure = fail(run, CORPUS, "OSError", "a cable was loose")
    (run / "failures" / f"{CORPUS[:12]}-1.json").write_text("{")
    with pytest.raises(SystemExit) as end:
        main(["verify", str(run)])
    assert end.value.code == 1
    told = capsys.readouterr()
    assert "plan.json: expected a plan as it was written" in told.out
    assert f"{failure.key[:12]}-1.json: expected JSON" in told.out
    assert len(told.out.splitlines()) == 2
    with pytest.raises(ValueError, match=r"delete it, and plan it again with `offbook run`"):
        Graph.read(run)
