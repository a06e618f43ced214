"""Is there anything to select: a run of students alone, and the two tables that are made of it."""

import math
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offbook.engine.progress import Silent
from offbook.engine.students.learnability import LEARNABILITIES
from offbook.engine.students.record import RECORD
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix import perspectives as module
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.perspectives import Scores, costs_of, costs_table, perspectives_table, read_scores, sentence
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.reproduce import reproduce
from offbook.harness.settings.profiles import load_profile
from tests.matrices import matrix
from tests.tiny import save_tiny

TRAINING = {"gradient_tokens": 300, "questions_per_step": 2, "evaluations": 1, "max_length": 4096}


def single(perspective: str, seeds: int = 2) -> dict[str, Any]:
    return {"method": "single_rationale", "seeds": seeds, "options": {"perspective": perspective}}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {
        "models": {str(save_tiny(tmp_path_factory.mktemp("perspectives") / "tiny", max_position_embeddings=4096)): {}},
        "students": {"planning": single("planning"), "analogy": single("analogy")},
        "corpus": {"questions": 7, "dev_questions": 7},
        "training": TRAINING,
    }


@pytest.fixture(scope="module")
def run(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("run")
    ran, _ = reproduce(plan(matrix(content)), folder, Silent(), committed=folder / "none")
    assert (ran.done, ran.failed, ran.pending) == (4, [], 0)
    return folder


def test_students_without_heats_or_exams_are_trained_and_no_more(content: dict[str, Any], run: Path) -> None:
    assert [stage.kind for stage in plan(matrix(content)).stages] == ["student"] * 4
    assert not (run / "students.csv").exists()
    with_exam = plan(matrix(content, exams={"suites": {"id": ["procedural_shopping"]}, "limit": 1}))
    assert {stage.kind for stage in with_exam.stages} == {"student", "exam"}


def test_scores_and_costs_of_a_run_stand_in_two_tables(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = read_scores(run)
    assert {name: len(seeds) for name, seeds in scores.of.items()} == {"planning": 2, "analogy": 2}
    names, costs_NKC = costs_of(scores, run, Silent(), device="cpu")
    assert costs_NKC.shape == (7, 8, len(LEARNABILITIES))
    perspectives = perspectives_table(scores, names, costs_NKC)
    assert perspectives["perspective"].tolist() == ["planning", "analogy"], "in the corpus's order"
    k, c = names.index("analogy"), LEARNABILITIES.index("answer")
    assert perspectives["answer"][1] == pytest.approx(costs_NKC[:, k, c].mean())
    costs = costs_table(perspectives, names, costs_NKC)
    assert costs["cost"].tolist() == list(LEARNABILITIES)
    assert costs["questions"].tolist() == [7] * len(LEARNABILITIES)
    assert (costs["share_perspective"] + costs["share_question_by_perspective"]).tolist() == pytest.approx([1.0] * 8)
    monkeypatch.setattr("offbook.engine.students.untouched.untouched_costs", never)
    assert np.array_equal(costs_of(scores, run, Silent(), device="cpu")[1], costs_NKC), "kept with the run's tables"


def never(*_: Any) -> Any:
    raise AssertionError


def test_the_command_writes_and_prints_both(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["perspectives", str(run), "--output", str(tmp_path), "--device", "cpu"])
    module._main()
    printed = capsys.readouterr().out
    for name in ("perspectives", "perspective_costs"):
        assert (tmp_path / f"{name}.csv").read_text(encoding="utf-8") in printed
    assert "sd between perspectives" in printed


def test_a_run_that_is_not_finished_tells_what_is_there(run: Path, tmp_path: Path) -> None:
    part = shutil.copytree(run, tmp_path / "part")
    first = Graph.read(part).of_kind("student")[0]
    (artifact_folder(part, "student", first.key) / RECORD).unlink()
    assert sorted(len(seeds) for seeds in read_scores(part).of.values()) == [1, 2]


def test_students_that_differ_otherwise_are_not_compared(content: dict[str, Any], run: Path, tmp_path: Path) -> None:
    part = shutil.copytree(run, tmp_path / "part")
    longer = single("socratic", 1) | {"training": {"gradient_tokens": 320}}
    reproduce(plan(matrix(content, students={"longer": longer})), part, Silent(), committed=part / "none")
    with pytest.raises(ValueError, match="expected finished students that differ in perspective and seed alone, got 2"):
        read_scores(part)


# --- what it says ---


def scores_of(**of: list[float]) -> Scores:
    return Scores(of=of, recipe=None)  # type: ignore[arg-type]  # nobody asks for it


def test_the_sentence_holds_perspectives_against_seeds() -> None:
    assert "there is something to select" in sentence(scores_of(a=[0.2, 0.22], b=[0.6, 0.62]))
    assert "nothing to select" in sentence(scores_of(a=[0.2, 0.6], b=[0.3, 0.5]))
    assert "seeds unknown" in sentence(scores_of(a=[0.2], b=[0.6]))


def test_a_cost_that_ranks_the_perspectives_has_correlation_one() -> None:
    costs_NKC = np.zeros((5, 3, len(LEARNABILITIES)))
    costs_NKC[..., 0] = [3.0, 2.0, 1.0]
    costs_NKC[..., 1] = [1.0, 2.0, 3.0]
    scores = scores_of(x=[0.1], y=[0.2], z=[0.3])
    table = costs_table(perspectives_table(scores, ["x", "y", "z"], costs_NKC), ["x", "y", "z"], costs_NKC)
    assert table["rank_correlation"].tolist()[:2] == pytest.approx([1, -1])
    assert table["share_perspective"][0] == pytest.approx(1)
    assert table["lowest_mean"].tolist()[:2] == ["z", "x"]
    assert (table["most_often_lowest"][0], table["most_often_lowest_share"][0]) == ("z", 1)
    assert math.isnan(table["rank_correlation"][2]), "a cost that is the same for all ranks nobody"


def test_the_profile_asks_every_perspective_of_the_corpus_and_no_test_question() -> None:
    from offbook.tasks.rationales.procedural_teacher import IDS

    profile = load_profile("perspectives")[1]
    assert [student.options["perspective"] for student in profile.students.values()] == list(IDS)
    assert {student.seeds for student in profile.students.values()} == {3}
    assert profile.exams is None
    assert not profile.decoders
