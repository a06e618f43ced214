"""Which settings of training are taken, from a grid of trained students."""

import math
from typing import Any

import pandas as pd
import pytest

from offbook.harness.tables.recipe_choice import FIELDS, Tried, chosen, told, tried, tries

PLAIN = {
    "student": "a",
    "method": "single",
    "options": "{}",
    "learning_rate": 1e-4,
    "lora_rank": 0,
    "replay": 0.0,
    "averaging": 1 / 3,
    "token_weight": '{"kind": "none"}',
    "questions_per_step": 16,
    "gradient_tokens": 5000,
    "seed": 0,
    "steps": 50,
    "replayed_tokens": 0,
    "score": 0.5,
    "questions": 200,
    "retention": math.nan,
    "retention_questions": 100,
    "train_s": 9.0,
    "key": "ab",
}


def settings(*rows: dict[str, Any]) -> list[Tried]:
    return tried(pd.DataFrame([PLAIN | row for row in rows], columns=list(FIELDS)))


def test_the_best_score_is_taken_where_no_other_is_near():
    found = settings(
        {"student": "low", "score": 0.40, "retention": 0.9},
        {"student": "high", "score": 0.60, "retention": 0.1, "replay": 0.1},
    )
    assert [t.name for t in found] == ["high", "low"]
    assert chosen(found).name == "high"


def test_of_scores_within_a_standard_error_the_one_that_unlearned_least_is_taken():
    found = settings(
        {"student": "best", "score": 0.60, "retention": 0.30},
        {"student": "near", "score": 0.58, "retention": 0.45, "replay": 0.1},
        {"student": "nearer", "score": 0.59, "retention": 0.40, "replay": 0.2},
        {"student": "far", "score": 0.50, "retention": 0.90, "replay": 0.3},
    )
    assert found[0].standard_error == pytest.approx(math.sqrt(0.6 * 0.4 / 200))
    assert chosen(found).name == "near"


def test_without_retention_the_score_decides():
    assert chosen(settings({"student": "a", "score": 0.58, "replay": 0.1}, {"student": "b", "score": 0.60})).name == "b"


def test_seeds_are_averaged():
    (one,) = settings({"score": 0.5, "retention": 0.2}, {"score": 0.7, "retention": 0.4, "seed": 1})
    assert (one.seeds, one.score, one.retention) == (2, pytest.approx(0.6), pytest.approx(0.3))


def test_scores_over_different_questions_are_not_compared():
    with pytest.raises(ValueError, match=r"over one set of questions, got \[70, 200\]"):
        chosen(settings({}, {"student": "b", "questions": 70}))


def test_the_grid_is_told_with_what_varies_the_choice_and_the_tries_of_every_method():
    found = settings(
        {"student": "a"},
        {"student": "b", "score": 0.9, "learning_rate": 1e-5},
        {"student": "c", "score": 0.95, "method": "other", "lora_rank": 16},
    )
    text = told(found, "single")
    assert "learning_rate" in text
    assert "lora_rank" not in text
    assert "| c " not in text
    assert "chosen: b (learning_rate 1e-05), over 200 development questions" in text
    assert text.endswith("tries: other 1, single 2")
    assert tries(found) == {"other": 1, "single": 2}


def test_a_method_that_was_not_tried_and_a_grid_without_a_column_are_refused():
    with pytest.raises(ValueError, match="expected students of this method with development scores, got none"):
        told(settings({}), "another")
    with pytest.raises(ValueError, match="expected the column 'retention' of a recipe's grid"):
        tried(pd.DataFrame([PLAIN]).drop(columns="retention"))
