"""A folder keeps what earlier plans have done there."""

from pathlib import Path

from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.running import _with_earlier
from tests.chaos.judge import resume
from tests.chaos.tiny import key, matrix, planned, stage


def test_what_was_made_with_an_artifact_that_is_damaged_since_is_kept(tmp_path: Path) -> None:
    planned(tmp_path, matrix(2))
    resume(tmp_path)
    (artifact_folder(tmp_path, "answers", key("answers 0")) / "text.txt").unlink()
    both = _with_earlier(Graph(stages=(stage("another"),)), tmp_path)
    assert {stage.title for stage in both.stages} == {"corpus", "answers 1", "student 0", "another"}
    assert both.stage(key("student 0")).needs == (key("answers 1"),)
