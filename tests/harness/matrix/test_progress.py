"""What the tables of a run are told of its plan."""

from pathlib import Path
from typing import Any

import pytest

from offbook.harness.cli.main import main
from offbook.harness.matrix.failures import fail, failures
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.progress import progress, progress_of
from offbook.harness.matrix.status import status
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import parse
from offbook.harness.tables.progress import FailureRow, MissingCell, MissingExam
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Graph:
    content: dict[str, Any] = {
        "schema_version": 2,
        "description": "a student of two seeds and three arms",
        "models": {str(save_tiny(tmp_path_factory.mktemp("progress") / "tiny")): {}},
        "students": {"one": {"method": "single_rationale", "seeds": 2}},
        "corpus": {"questions": 7, "dev_questions": 7},
        "decoders": {"autoregressive": {}, "eagle2": {}, "borrowed": {"decoder": "eagle2", "drafter": "base"}},
        "drafters": {"source": "regenerate"},
        "suites": {"qa": {"limit": 1}},
        "seeds": [3],
        "exams": {"suites": {"id": ["procedural_shopping"]}},
    }
    return plan(parse(Matrix, content, source="tiny"))


def test_a_folder_without_a_plan_says_nothing(tmp_path: Path) -> None:
    assert progress(tmp_path) is None


def test_counts_are_those_of_status_and_failures_say_what_why_and_how_often(graph: Graph, tmp_path: Path) -> None:
    graph.write(tmp_path)
    lost = next(stage for stage in graph.stages if stage.kind == "student")
    for reason in ("at first", "then\nagain"):
        fail(tmp_path, lost.key, "OSError", reason)
    found = progress(tmp_path)
    assert found is not None
    assert found.kinds == status(tmp_path).kinds
    assert (found.total.expected, found.total.failed) == (len(graph), 1)
    assert found.failures == (FailureRow(title=lost.title, error="OSError", reason="then again", attempts=2),)


def test_cells_and_exams_that_are_not_there_are_named_by_their_dimensions(graph: Graph, tmp_path: Path) -> None:
    finished = {stage.key for stage in graph.stages if "seed 1" not in stage.title}
    found = progress_of(graph, finished, failures(tmp_path))
    who = {"model": "tiny", "student": "one", "training_seed": 1}
    assert found.exams == (MissingExam(**who),)
    at = {"suite": "offbook_qa", "temperature": 0.0, "seed": 3}
    arms = [("autoregressive", ""), ("eagle2", "base"), ("eagle2", "target")]
    assert found.cells == tuple(MissingCell(**who, decoder=name, made_for=whose, **at) for name, whose in arms)
    nothing = progress_of(graph, set(), failures(tmp_path))
    assert MissingExam(model="tiny", student="untouched", training_seed=0) in nothing.exams


def test_report_of_a_runs_folder_tells_what_failed(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    graph.write(tmp_path)
    fail(tmp_path, graph.stages[-1].key, "Killed", "signal 9")
    with pytest.raises(SystemExit) as end:
        main(["report", str(tmp_path)])
    assert end.value.code == 0
    for page in ("LEADERBOARD.md", "STUDENTS.md"):
        text = (tmp_path / page).read_text()
        assert f"{len(graph)} stages expected = 0 done + 1 failed + {len(graph) - 1} pending." in text
        assert "signal 9" in text
