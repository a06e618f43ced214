"""Scores of choices at rest: raw numbers, from which lm-eval's accuracies follow, and nothing that makes no sense."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.consistency import of_exam
from offbook.harness.records.divergence import TextDivergence
from offbook.harness.records.exam import Exam, SittingSpec
from offbook.harness.records.store import Store
from tests.harness.records.test_exam import ROWS, commit, record, row, spec

SCORES: dict[str, Any] = {
    "right": 1,
    "named": 0,
    "loglikelihoods": (-2.0, -0.5, -3.0),
    "characters": (3, 9, 4),
    "mass": 0.8,
}


def test_an_exam_with_all_that_is_measured_comes_back_as_it_was_committed(tmp_path):
    rows = (
        row("sums", 0, gold_nll=1.25),
        row("sums", 1, score=0.0, gold_nll=0.0),
        row("dates", 0, by_choice=ChoiceScores(**SCORES)),
    )
    left = (TextDivergence(kind="task", id="q", cluster="c", tokens=3, nats=0.125),)
    sat = record(spec(measures=1), divergence=left)
    store = commit(tmp_path, (sat, rows))
    (exam,) = store.exams()
    assert exam.rows == rows
    assert exam.record.divergence == left
    assert exam.record.spec.measures == 1


def test_an_exam_without_them_is_written_as_old_versions_wrote_it(tmp_path):
    commit(tmp_path)
    (path,) = (tmp_path / "records").glob("*.json")
    content = json.loads(path.read_text())
    assert "divergence" not in content
    assert "measures" not in content["spec"]
    (rows,) = (tmp_path / "rows").glob("*.jsonl")
    assert not [line for line in rows.read_text().splitlines() if "by_choice" in line or "gold_nll" in line]
    assert Store(tmp_path).exams()[0].rows == ROWS


def test_what_is_measured_is_part_of_the_key_and_of_no_setting():
    older, newer = spec(), spec(measures=1)
    assert older.key() != newer.key()
    assert (older.setting(), older.rerun()) == (newer.setting(), newer.rerun())
    assert SittingSpec.model_validate_json(newer.model_dump_json()) == newer


def test_scores_of_other_choices_than_the_question_names_are_found():
    odd = row("dates", 0, choices=4, by_choice=ChoiceScores(**SCORES))
    found = [*of_exam(Exam(record(), (*ROWS[:2], odd)))]
    assert any("document 0: expected scores of its 4 choices, got 3" in problem for problem in found)
    named = odd.model_copy(update={"choices": 3})
    assert not [p for p in of_exam(Exam(record(), (*ROWS[:2], named))) if "choices" in p]


@given(st.lists(st.tuples(st.floats(-50, 0), st.integers(1, 30)), min_size=2, max_size=6), st.integers(0, 5))
def test_accuracies_are_numpys_argmax_as_in_lm_eval(each, right):
    likelihoods, characters = zip(*each, strict=True)
    right %= len(each)
    scores = ChoiceScores(right=right, named=None, loglikelihoods=likelihoods, characters=characters, mass=0.1)
    assert scores.right_by_likelihood == (np.argmax(likelihoods) == right)
    assert scores.right_by_character == (np.argmax(np.array(likelihoods) / np.array(characters, float)) == right)


@pytest.mark.parametrize(
    "change",
    [
        {"right": 3},
        {"named": 3},
        {"right": -1},
        {"loglikelihoods": (-1.0,), "characters": (3,), "right": 0},
        {"loglikelihoods": (-1.0, 0.5, -1.0)},
        {"loglikelihoods": (-1.0, float("nan"), -1.0)},
        {"characters": (3, 9)},
        {"characters": (3, 9, 0)},
        {"mass": 1.5},
        {"mass": -0.1},
        {"more": 1},
    ],
)
def test_scores_that_make_no_sense_are_refused(change):
    with pytest.raises(ValidationError):
        ChoiceScores(**(SCORES | change))


@pytest.mark.parametrize("change", [{"nats": -0.1}, {"tokens": 0}, {"kind": "other"}, {"nats": float("inf")}])
def test_a_divergence_that_makes_no_sense_is_refused(change):
    with pytest.raises(ValidationError):
        TextDivergence(**({"kind": "generic", "id": "a", "tokens": 2, "nats": 0.5} | change))
