"""Every student of the profile `full` can be made: the methods, their settings and the corpus fit together."""

from dataclasses import replace

import pytest
import torch

from offbook.baselines.distillation import mode_cotd
from offbook.baselines.distillation.mode_cotd import search
from offbook.engine.progress import Silent
from offbook.engine.students.tables import Table
from offbook.harness.artifacts.material import load_material
from offbook.harness.artifacts.students import Student, cost, is_made, make
from offbook.harness.roster.distillers import DISTILLERS, distiller
from offbook.harness.settings.profiles import load_profile
from offbook.harness.settings.students import CorpusSpec
from tests.matrices import students_of
from tests.tiny import save_tiny

SMALL = {"gradient_tokens": 900, "questions_per_step": 2, "evaluations": 1, "max_length": 4096, "mixed_precision": "no"}
MORE = {"medusa2": 12_000}  # of gradient tokens, for a step of the heads alone and some of both
FULL = load_profile("full")[1]


@pytest.fixture(scope="module")
def students(tmp_path_factory) -> dict[str, Student]:
    tiny = str(save_tiny(tmp_path_factory.mktemp("full") / "tiny"))
    changes = {
        "models": {tiny: FULL.models["smollm2-135m-instruct"]},
        "training": FULL.training.model_copy(update=SMALL),
        "decoders": {},
        "exams": FULL.exams.model_copy(update={"max_new_tokens": 8}),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offbook.engine.students.text_encoder.encoder_sha256", lambda name: "ab")
        return {student.name: student for student in students_of(FULL.model_copy(update=changes))}


@pytest.mark.parametrize("name", FULL.students)
def test_each_student_is_made_and_counts_its_tokens(name, students, tmp_path, monkeypatch):
    material = load_material(CorpusSpec(questions=24, dev_questions=2), Silent())
    vectors = torch.randn(24, 8, 6, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr("offbook.harness.artifacts.students.encoder_sha256", lambda name: "ab")
    monkeypatch.setattr("offbook.harness.artifacts.students.load_encoder", lambda name, device: None)
    monkeypatch.setattr("offbook.harness.artifacts.students.path_vectors", lambda *_, progress: Table(vectors, 0.0))
    monkeypatch.setattr(mode_cotd, "search", lambda *a, trials, **k: search(*a, trials=min(trials, 3), **k))
    student = students[name]
    config = replace(student.config, gradient_tokens=MORE.get(name, student.config.gradient_tokens))
    student = replace(student, config=config)
    folder = student.folder(tmp_path, material)
    make(student, material, folder, Silent(), device="cpu")
    assert is_made(folder)
    assert cost(folder).gradient_tokens >= SMALL["gradient_tokens"]
    assert make(student, material, folder, Silent(), device="cpu") == folder, "a made student is kept"


def test_the_profile_holds_every_method_that_needs_no_other_model_and_five_seeds_of_the_main_ones():
    assert {s.method for s in FULL.students.values()} == {m.name for m in DISTILLERS.values() if not m.models}
    assert all(FULL.students[name].seeds >= 5 for name in ("single_rationale", "uniform_rationales", "mind"))
    ablations = [tuple(s.options.items()) for s in FULL.students.values() if s.method == "mind" and s.options]
    assert {(name, value) for ((name, value),) in ablations} == {
        ("scores", "instantaneous"),
        ("scores", "random"),
        ("attention", False),
        ("consistency", 0),
        ("selection", "all"),
        ("update", "sampled"),
    }
    assert distiller("mind").reads_vectors
