"""Which settings of training are taken, from what training left in the records of exams."""

import math
import sys

import pytest

from offbook.harness.records.exam import ExamRecord
from offbook.harness.tables import recipe_choice
from offbook.harness.tables.recipe_choice import chosen, kept_score, told, tried, tries
from tests.harness.tables.exams import exam


def record(
    name: str, score: float, retention: float | None = None, seed: int = 0, questions: int = 200, **changes: object
) -> ExamRecord:
    training = {"gradient_tokens": 5000, "learning_rate": 1e-4, "lora_rank": 0, "replay": 0.0}
    given = {key: changes.pop(key) for key in list(changes) if key in training}
    found = exam(name, seed, method=changes.pop("method", "single"), training=training | given).record
    cost = {"dev_scores": (0.0, score), "averaged_steps": 5, "dev_questions": questions, "retention": retention}
    return found.model_copy(update={"cost": found.cost.model_copy(update=cost | changes)})


def test_the_best_score_is_taken_where_no_other_is_near():
    settings = tried([record("low", 0.40, 0.9), record("high", 0.60, 0.1, replay=0.1)])
    assert [t.name for t in settings] == ["high", "low"]
    assert chosen(settings).name == "high"


def test_of_scores_within_a_standard_error_the_one_that_unlearned_least_is_taken():
    settings = tried(
        [
            record("best", 0.60, 0.30),
            record("near", 0.58, 0.45, replay=0.1),
            record("nearer", 0.59, 0.40, replay=0.2),
            record("far", 0.50, 0.90, replay=0.3),
        ]
    )
    assert settings[0].standard_error == pytest.approx(math.sqrt(0.6 * 0.4 / 200))
    assert chosen(settings).name == "near"


def test_without_retention_the_score_decides():
    assert chosen(tried([record("a", 0.58, replay=0.1), record("b", 0.60)])).name == "b"


def test_seeds_are_averaged_and_students_between_others_are_no_settings():
    between = record("far, 0.5 of the way", 0.99)
    place = {"a": 0.5, "parent_sha256": "ab"}
    student = between.spec.student.model_validate(between.spec.student.model_dump() | {"interpolation": place})
    between = between.model_copy(update={"spec": between.spec.model_copy(update={"student": student})})
    (one,) = tried([record("one", 0.5, 0.2), record("one", 0.7, 0.4, seed=1), between, exam("untouched").record])
    assert (one.seeds, one.score, one.retention) == (2, pytest.approx(0.6), pytest.approx(0.3))


def test_of_a_training_without_averaging_the_best_score_is_the_kept_one():
    found = record("a", 0.5, dev_scores=(0.7, 0.5), averaged_steps=None)
    assert kept_score(found.cost) == 0.7
    assert kept_score(record("a", 0.5, dev_scores=(0.7, 0.5)).cost) == 0.5


def test_scores_over_different_questions_are_not_compared():
    with pytest.raises(ValueError, match=r"over one set of questions, got \[70, 200\]"):
        chosen(tried([record("a", 0.5), record("b", 0.5, questions=70, replay=0.1)]))


def test_the_grid_is_told_with_what_varies_the_choice_and_the_tries_of_every_method():
    settings = tried(
        [record("a", 0.5), record("b", 0.9, learning_rate=1e-5), record("c", 0.95, method="other", replay=0.5)]
    )
    text = told(settings, "single")
    assert "learning_rate" in text
    assert "lora_rank" not in text
    assert "| c " not in text
    assert "chosen: b (learning_rate 1e-05), over 200 development questions" in text
    assert text.endswith("tries: other 1, single 2")
    assert tries(settings) == {"other": 1, "single": 2}


def test_a_folder_without_students_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["recipe_choice", str(tmp_path), "single"])
    with pytest.raises(SystemExit) as end:
        recipe_choice.main()
    assert end.value.code == 2
    assert "expected students with development scores, got none" in capsys.readouterr().err
