"""Development questions of other kinds: which they are, that they decide nothing, and that their share is recorded."""

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts import retention as module
from offbook.harness.artifacts.development import retention_score
from offbook.harness.artifacts.material import load_material
from offbook.harness.artifacts.retention import retention_documents
from offbook.harness.artifacts.students import cost, make
from offbook.harness.settings.students import CorpusSpec
from offbook.tasks.forgetting.documents import READ, REPLAY, documents
from tests.matrices import matrix, students_of
from tests.tiny import save_tiny, tiny_tokenizer


def test_they_are_development_questions_of_every_family_that_forgetting_is_read_on_in_turn():
    found = retention_documents(len(READ) + 1)
    dev = [documents(family, "instructed", "dev") for family in READ]
    assert found == [*(family[0] for family in dev), dev[0][1]]
    assert not {doc["family"] for doc in found} & set(REPLAY)


def test_more_than_there_are_is_refused_and_none_is_no_question():
    most = sum(len(documents(family, "instructed", "dev")) for family in READ)
    with pytest.raises(ValueError, match=f"retention_questions: expected at most {most}, got {most + 1}"):
        retention_documents(most + 1)
    assert retention_documents(0) == []
    assert retention_score(load_material(CorpusSpec(questions=1), Silent()), tiny_tokenizer(), max_new_tokens=3) is None


def test_sources_of_unequal_families_are_taken_in_turn_to_their_ends(monkeypatch):
    monkeypatch.setattr(module, "SOURCES", (lambda: [["a1", "a2", "a3"], ["b1"]], lambda: [["c1", "c2"]]))
    assert retention_documents(6) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_they_are_no_part_of_the_material_and_their_share_is_of_the_kept_weights(tmp_path, monkeypatch):
    tiny = str(save_tiny(tmp_path / "tiny", max_position_embeddings=4096))
    without = load_material(CorpusSpec(questions=4, dev_questions=2), Silent())
    material = load_material(CorpusSpec(questions=4, dev_questions=2, retention_questions=3), Silent())
    assert material.sha256 == without.sha256
    asked = []

    def answers(model, tokenizer, prompts, max_new_tokens, *, width, layout):
        asked.append(len(prompts))
        return ["nothing"] * len(prompts)

    monkeypatch.setattr("offbook.harness.artifacts.development.greedy_texts", answers)
    content = {
        "models": {tiny: {}},
        "students": {"one": {"method": "single_rationale"}},
        "training": {"gradient_tokens": 300, "max_length": 4096, "evaluations": 1},
        "exams": {"suites": {"id": ["procedural_id"]}},
    }
    (student,) = students_of(matrix(content))
    make(student, material, tmp_path / "s", Silent(), device="cpu")
    assert cost(tmp_path / "s").retention == 0.0
    assert asked == [2, 3, 2], "development questions of others only once, of the weights before they are rounded"
    make(student, without, tmp_path / "t", Silent(), device="cpu")
    assert cost(tmp_path / "t").retention is None
