import dataclasses
import json
import os
from pathlib import Path

import pytest
import torch

from offbook.baselines.distillation.mcc_kd import MccKdOptions
from offbook.engine.progress import Silent
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.tables import Table
from offbook.harness.artifacts.development import dev_score
from offbook.harness.artifacts.material import DevQuestion, Material, load_material
from offbook.harness.artifacts.students import Student, cost, is_made, make
from offbook.harness.settings.students import CorpusSpec
from tests.matrices import matrix, students_of
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

CONTENT = {
    "students": {
        "single": {"method": "single_rationale", "seeds": 2},
        "all": {"method": "uniform_rationales", "training": {"learning_rate": 0.5}, "seeds": 3},
    },
    "training": {"gradient_tokens": 700, "max_length": 4096, "evaluations": 1, "questions_per_step": 2},
    "exams": {"suites": {"id": ["procedural_id"]}},
}


def planned(model: str, **changes: object) -> list[Student]:
    return students_of(matrix({"models": {model: {}}, **CONTENT}, **changes))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("students") / "tiny"))


@pytest.fixture(scope="module")
def material() -> Material:
    return load_material(CorpusSpec(questions=4, dev_questions=2), Silent())


def test_students_come_seed_by_seed_with_their_own_settings_over_the_common_ones(tiny):
    students = planned(tiny)
    assert [(s.name, s.config.seed) for s in students] == [
        ("single", 0), ("all", 0), ("single", 1), ("all", 1), ("all", 2)
    ]  # fmt: skip
    assert {s.config.learning_rate for s in students if s.name == "all"} == {0.5}
    assert {s.config.learning_rate for s in students if s.name == "single"} == {StudentConfig().learning_rate}
    assert {s.config.gradient_tokens for s in students} == {700}


def test_settings_that_do_not_exist_are_refused_before_anything_is_made(tiny):
    with pytest.raises(ValueError, match="no distillation method 'mindful'"):
        planned(tiny, students={"x": {"method": "mindful"}})
    with pytest.raises(ValueError, match="perspectiv"):
        planned(tiny, students={"x": {"method": "single_rationale", "options": {"perspectiv": "y"}}})
    with pytest.raises(ValueError, match="'untouched', got one: that is the base model"):
        planned(tiny, students={"untouched": {"method": "mind"}})


def test_a_student_of_one_base_model_is_planned_for_no_other(tiny, tmp_path):
    other = str(save_tiny(tmp_path / "other"))
    students = {
        "a": {"method": "single_rationale"},
        "b": {"method": "uniform_rationales", "models": [other]},
    }
    found = planned(tiny, models={tiny: {}, other: {}}, students=students)
    assert {(student.name, student.model) for student in found} == {("a", tiny), ("a", other), ("b", other)}
    with pytest.raises(ValueError, match=r"students\.b\.models: expected some of .*, got "):
        planned(tiny, students=students)


def test_two_names_for_one_student_are_refused(tiny):
    with pytest.raises(ValueError, match="students one and two: expected two that differ, got the same settings"):
        planned(tiny, students={"one": {"method": "single_rationale"}, "two": {"method": "single_rationale"}})


def test_a_student_lies_where_what_determines_it_says(tiny, material, tmp_path):
    student = planned(tiny)[0]
    folder = student.folder(tmp_path, material)
    changed = {
        student.folder(tmp_path, dataclasses.replace(material, dev=material.dev[:1])),
        *(
            dataclasses.replace(student, **change).folder(tmp_path, material)
            for change in (
                {"config": dataclasses.replace(student.config, seed=5)},
                {"config": dataclasses.replace(student.config, learning_rate=0.1)},
                {"options": {"perspective": "planning"}},
                {"base_sha256": "00"},
                {"base_settings_sha256": "00"},
                {"method": "uniform_rationales"},
            )
        ),
    }
    assert len(changed | {folder}) == 8
    assert dataclasses.replace(student, encoder="another").folder(tmp_path, material) == folder, "it reads none"


def test_a_student_names_the_settings_it_was_not_given_too(tiny, material, tmp_path):
    (student,) = planned(tiny, students={"m": {"method": "mcc_kd"}})
    assert student.options == MccKdOptions().model_dump(mode="json") != {}
    make(student, material, folder := student.folder(tmp_path, material), Silent(), device="cpu")
    assert json.loads((folder / "distillation.json").read_text())["options"] == student.options


def test_a_student_is_made_once_and_says_what_it_cost(tiny, material, tmp_path, monkeypatch):
    student = planned(tiny)[0]
    folder = student.folder(tmp_path, material)
    assert not is_made(folder)
    make(student, material, folder, Silent(), device="cpu")
    assert is_made(folder)
    found = cost(folder)
    assert found.gradient_tokens >= 700
    assert found.distinct_sequences <= len(material.corpus)
    assert found.wall_s > 0
    assert len(found.dev_scores) == 1
    identity = json.loads((folder / "distillation.json").read_text())["identity"]
    assert identity == {
        "model": student.base_sha256,
        "model_settings": student.base_settings_sha256,
        "corpus": material.sha256,
    }
    monkeypatch.setattr("offbook.engine.pretrained.load", None)
    assert make(student, material, folder, Silent(), device="cpu") == folder


def test_the_development_score_is_the_share_of_right_answers(monkeypatch):
    asked: list[list[int]] = []

    def answers(model, tokenizer, prompts, max_new_tokens, *, width, layout):
        asked.extend(prompts)
        return ["yes" for _ in prompts]

    monkeypatch.setattr("offbook.harness.artifacts.development.greedy_texts", answers)
    dev = tuple(
        DevQuestion(id=f"q{n}", prompt="p" * (9 - n), is_answered_by=lambda text, n=n: text == "yes" and n != 2)
        for n in range(4)
    )
    found = Material(name="m", corpus=load_material(CorpusSpec(questions=1, dev_questions=1), Silent()).corpus, dev=dev)
    score = dev_score(found, tiny_tokenizer(), max_new_tokens=5)
    assert score(tiny_model()) == 0.75
    assert len(asked) == 4


def test_mind_reads_vectors_of_the_encoder_it_names(tiny, material, tmp_path, monkeypatch):
    seen = {}

    def mind(job, vectors):
        seen["vectors"], seen["identity"], seen["cache"] = vectors, dict(job.identity), job.cache
        seen["prepared_s"] = job.prepared_s
        return job.folder

    monkeypatch.setattr("offbook.methods.mind.train.mind", mind)
    monkeypatch.setattr("offbook.harness.artifacts.students.encoder_sha256", lambda name: f"hash of {name}")
    monkeypatch.setattr("offbook.engine.students.text_encoder.encoder_sha256", lambda name: f"hash of {name}")
    monkeypatch.setattr("offbook.harness.artifacts.students.load_encoder", lambda name, device: None)
    monkeypatch.setattr(
        "offbook.harness.artifacts.students.path_vectors", lambda corpus, *_, progress: Table(torch.ones(4, 8, 3), 2.5)
    )
    (student,) = planned(tiny, students={"m": {"method": "mind"}}, encoder="mini")
    folder = student.folder(tmp_path, material)
    make(student, material, folder, Silent(), device="cpu", tables=tmp_path / "tables")
    assert seen["vectors"].shape == (4, 8, 3)
    assert seen["prepared_s"] == 2.5
    assert seen["identity"]["encoder"] == "hash of mini"
    assert seen["cache"] == Path(tmp_path) / "tables"
    assert dataclasses.replace(student, encoder="other").folder(tmp_path, material) != folder


def test_a_corpus_too_long_for_the_training_is_refused_before_its_vectors_are_made(
    tiny, material, tmp_path, monkeypatch
):
    monkeypatch.setattr("offbook.harness.artifacts.students.load_encoder", None)
    (student,) = planned(tiny, students={"m": {"method": "mind"}}, training={"max_length": 8})
    with pytest.raises(ValueError, match="expected at most 8 tokens with any rationale"):
        make(student, material, tmp_path, Silent(), device="cpu")


@pytest.mark.parametrize("able", [True, False])
def test_what_a_student_was_trained_in_and_on_is_part_of_its_cost(tiny, material, tmp_path, monkeypatch, able):
    monkeypatch.setattr("offbook.engine.students.precision.has_bf16", lambda device: able)
    monkeypatch.setattr("offbook.engine.students.precision._is_faster_on_this_cpu", lambda: True)
    training = {"gradient_tokens": 100, "max_length": 4096, "evaluations": 1, "mixed_precision": "auto"}
    student = planned(tiny, training=training)[0]
    said = Said()
    make(student, material, folder := student.folder(tmp_path, material), said, device="cpu")
    found = cost(folder)
    assert found.mixed_precision == ("bf16" if able else "no")
    assert found.saved_dtype == max(found.dtype_scores, key=lambda name: (found.dtype_scores[name], name == "bfloat16"))
    assert found.dtype_scores.keys() == {"float32", "bfloat16"}
    assert found.machine["cores"] == os.cpu_count()
    assert found.machine["load_average"].keys() == {"start", "end"}
    precise = "bfloat16" if able else "float32"
    assert [line.strip() for line in said.lines] == [f"single: matrices in {precise} (mixed precision auto)"]


def test_the_cost_of_an_older_record_is_read(tmp_path):
    counts = ("gradient_tokens", "kept_tokens", "distinct_sequences", "steps", "wall_s", "peak_bytes")
    (tmp_path / "distillation.json").write_text(json.dumps(dict.fromkeys(counts, 7) | {"evaluations": []}))
    found = cost(tmp_path)
    assert (found.gradient_tokens, found.mixed_precision, found.machine) == (7, None, {})
    assert not {"saved_dtype", "dtype_scores"} & found.model_dump().keys(), "hashes of older records hold"


def test_the_kept_score_is_what_the_record_says_and_of_an_older_record_the_means_or_the_best(tmp_path):
    counts = ("gradient_tokens", "kept_tokens", "distinct_sequences", "steps", "wall_s", "peak_bytes")

    def kept(scores, **own):
        evaluations = [{"gradient_tokens": 1, "score": score} for score in scores]
        (tmp_path / "distillation.json").write_text(
            json.dumps(dict.fromkeys(counts, 7) | {"evaluations": evaluations} | own)
        )
        return cost(tmp_path).kept_score

    assert kept([0.7, 0.5, 0.6], kept_score=0.5, averaged_steps=3) == 0.5
    assert kept([0.7, 0.5]) == 0.7
    assert kept([0.7, 0.5], averaged_steps=3) == 0.5
    assert kept([]) is None


class Said(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)
