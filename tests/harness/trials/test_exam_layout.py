"""The layout that an exam is sat in: the fastest for answers side by side, over the very weights that are stored."""

from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.engine.students.corpus import save_corpus
from offbook.harness.matrix import making
from offbook.harness.matrix.plan import plan
from offbook.harness.records.store import Store
from offbook.kernels.native_library import native_available
from offbook.tasks.procedural import generate
from offbook.tasks.rationales.procedural_teacher import corpus
from tests.matrices import matrix
from tests.tiny import save_tiny

TRAINING = {"gradient_tokens": 300, "questions_per_step": 2, "evaluations": 1, "max_length": 4096}


@pytest.mark.skipif(not native_available()[0], reason=native_available()[1])
def test_a_student_is_examined_in_packed_weights_that_are_the_stored_ones(tmp_path: Path) -> None:
    save_corpus(tmp_path / "corpus.jsonl", corpus(generate("train", "shopping", 9)))
    content = {
        "models": {str(save_tiny(tmp_path / "tiny")): {}},
        "students": {"single": {"method": "single_rationale"}},
        "training": TRAINING,
        "corpus": {"source": str(tmp_path / "corpus.jsonl"), "questions": 3, "dev_questions": 1},
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }
    for stage in plan(matrix(content)).stages:
        getattr(making, stage.kind)(stage, tmp_path, Silent(), device="cpu")
    found = {exam.record.spec.student.name: exam.record for exam in Store(tmp_path).exams()}
    assert {record.spec.layout for record in found.values()} == {"packed"}
    matrices = {name: set(record.manifest["layouts"]["packed"]["matrices"]) for name, record in found.items()}  # type: ignore[index,call-overload,arg-type]
    assert matrices == {"untouched": {"F32"}, "single": {"BF16"}}
    assert found["single"].cost is not None
    assert found["single"].cost.saved_dtype == "bfloat16"
