"""Every student of the profile `full` can be made: the methods, their settings and the corpus fit together."""

import pytest
import torch

from offbook.engine.progress import Silent
from offbook.engine.students.tables import Table
from offbook.harness.artifacts.material import load_material
from offbook.harness.artifacts.students import Student, cost, is_made, make, plan_students
from offbook.harness.roster.distillers import DISTILLERS, distiller
from offbook.harness.settings.profiles import load_profile
from offbook.harness.settings.students import CorpusSpec
from tests.tiny import save_tiny

SMALL = {"gradient_tokens": 900, "questions_per_step": 2, "evaluations": 1, "max_length": 4096, "mixed_precision": "no"}
STUDENTS = load_profile("full")[1].students


@pytest.fixture(scope="module")
def students(tmp_path_factory) -> dict[str, Student]:
    assert STUDENTS is not None
    tiny = str(save_tiny(tmp_path_factory.mktemp("full") / "tiny"))
    spec = STUDENTS.model_copy(update={"training": STUDENTS.training.model_copy(update=SMALL), "seeds": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offbook.harness.artifacts.students.encoder_sha256", lambda name: "ab")
        return {student.name: student for student in plan_students(spec, tiny) if student.config.seed == 0}


@pytest.mark.parametrize("name", [] if STUDENTS is None else STUDENTS.methods)
def test_each_student_is_made_and_counts_its_tokens(name, students, tmp_path, monkeypatch):
    material = load_material(CorpusSpec(questions=24, dev_questions=2), Silent())
    vectors = torch.randn(24, 8, 6, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr("offbook.harness.artifacts.students.encoder_sha256", lambda name: "ab")
    monkeypatch.setattr("offbook.harness.artifacts.students.load_encoder", lambda name, device: None)
    monkeypatch.setattr("offbook.harness.artifacts.students.path_vectors", lambda *_, progress: Table(vectors, 0.0))
    student = students[name]
    folder = student.folder(tmp_path, material)
    make(student, material, folder, Silent(), device="cpu")
    assert is_made(folder)
    assert cost(folder).gradient_tokens >= SMALL["gradient_tokens"]
    assert make(student, material, folder, Silent(), device="cpu") == folder, "a made student is kept"


def test_the_profile_holds_every_method_that_needs_no_other_model_and_five_seeds_of_the_main_ones():
    assert STUDENTS is not None
    assert {s.method for s in STUDENTS.methods.values()} == {m.name for m in DISTILLERS.values() if not m.models}
    assert all((STUDENTS.methods[name].seeds or 0) >= 5 for name in ("single_rationale", "uniform_rationales", "mind"))
    ablations = [tuple(s.options.items()) for s in STUDENTS.methods.values() if s.method == "mind" and s.options]
    assert {(name, value) for ((name, value),) in ablations} == {
        ("scores", "instantaneous"),
        ("scores", "random"),
        ("attention", False),
        ("consistency", 0),
        ("selection", "all"),
    }
    assert distiller("mind").reads_vectors
