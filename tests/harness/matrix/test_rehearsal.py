"""What a plan is refused for before its first stage, and what it is not refused for."""

import pytest

from offbook.engine.progress import Silent
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.rehearsal import rehearse
from offbook.harness.trials.session import Session
from tests.matrices import matrix


def rehearsed(model: str, decoder: str, folder) -> None:
    content = {
        "models": {model: {}},
        "decoders": {"autoregressive": {}, decoder: {}},
        "drafters": {"source": "regenerate", "answers": 2},
        "suites": {"qa": {"max_new_tokens": 2, "limit": 1}},
    }
    rehearse(plan(matrix(content)), set(), Session(folder, device="cpu"), Silent())


def test_a_draft_vocabulary_larger_than_the_models_is_refused(tiny_folder, tmp_path):
    with pytest.raises(ValueError, match="expected a draft vocabulary of 1 to 258 tokens, got 8192"):
        rehearsed(tiny_folder, "eagle2", tmp_path)


def test_a_drafter_that_is_counted_has_no_draft_vocabulary_to_refuse(tiny_folder, tmp_path):
    rehearsed(tiny_folder, "ngram_table", tmp_path)
