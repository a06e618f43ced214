"""What several processes that train a student are told: the recipe that the launcher writes."""

import dataclasses
import json
from pathlib import Path

import pytest

from offbook.engine.model_identity import model_identity
from offbook.engine.progress import Silent
from offbook.engine.students.config import StudentConfig
from offbook.engine.unusable import UnusableError
from offbook.harness.artifacts import train_student as module
from offbook.harness.artifacts.material import load_material
from offbook.harness.artifacts.students import Student
from offbook.harness.artifacts.train_student import TrainStudentSpec, launch, merge, train_student
from offbook.harness.roster.distillers import distiller
from offbook.harness.settings.parse import load_config
from offbook.harness.settings.students import CorpusSpec
from tests.tiny import save_tiny

CORPUS = CorpusSpec(questions=2, dev_questions=1)


@pytest.fixture
def made(monkeypatch):
    """The students that processes would train, with their tables' folders; a process reads the recipe it is given."""
    seen = []

    def run(command, environ):
        with monkeypatch.context() as launched:
            for name, value in {"WORLD_SIZE": "2", **environ}.items():
                launched.setenv(name, value)
            try:
                start(command)
            except SystemExit as end:
                return end.code
        return 0

    def start(command):
        train_student(load_config(Path(command[command.index("--config") + 1]), TrainStudentSpec), Silent())

    def make(student, material, folder, progress, *, device, tables):
        seen.append((student, tables))
        folder.mkdir(parents=True, exist_ok=True)
        told = {"method": student.method, "options": student.told(material), "config": vars(student.config)}
        (folder / "distillation.json").write_text(json.dumps(told | {"identity": student.identity(material)}))
        return folder

    monkeypatch.setattr(module, "_run", run)
    monkeypatch.setattr(module, "make", make)
    monkeypatch.setattr("offbook.harness.artifacts.students.encoder_sha256", lambda name: f"hash of {name}")
    return seen


@pytest.fixture
def student(tmp_path):
    tiny = str(save_tiny(tmp_path / "tiny"))
    return Student(
        name="a student",
        method="uniform_rationales",
        options={},
        config=StudentConfig(gradient_tokens=9, seed=3),
        model=tiny,
        base_sha256=model_identity(tiny).weights_sha256,
        base_settings_sha256=model_identity(tiny).settings_sha256,
        encoder="all-minilm-l6-v2",
        processes=2,
        max_new_tokens=2048,
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("uniform_rationales", {}),
        ("single_rationale", {}),
        ("mcc_kd", {"consistency": 1e-5}),
        ("mind", {"meta_rate": 1e-5, "perspectives": ["planning"], "attention": False}),
    ],
)
def test_its_processes_train_the_very_student_beside_the_same_tables(method, options, student, made, tmp_path):
    student = dataclasses.replace(student, method=method, options=distiller(method).resolved(options))
    material = load_material(CORPUS, Silent())
    tables = tmp_path / "tables"
    assert launch(student, material, tmp_path / "s", CORPUS, device="cpu", tables=tables) == tmp_path / "s"
    launch(student, material, tmp_path / "alone", CORPUS, device="cpu")
    assert made == [(dataclasses.replace(student, processes=1), folder) for folder in (tables, None)]


def test_the_command_takes_the_cap_and_the_tables(student, made, tmp_path):
    content = {"method": "uniform_rationales", "model": student.model, "corpus": CORPUS.model_dump(), "device": "cpu"}
    for processes in (1, 2):
        settings = content | {"output": str(tmp_path / str(processes)), "tables": str(tmp_path), "processes": processes}
        train_student(merge(settings, {"max_new_tokens": 7}), Silent())
    assert [(found.max_new_tokens, tables) for found, tables in made] == [(7, tmp_path)] * 2


def test_what_a_process_is_refused_for_is_told_by_who_started_it(student, made, tmp_path, monkeypatch):
    def damaged(*_, **__):
        msg = "content.json: expected this training's state, got other words; delete it"
        raise UnusableError(msg, tmp_path / "c")

    monkeypatch.setattr(module, "make", damaged)
    student = dataclasses.replace(student, options=distiller(student.method).resolved({}))
    material = load_material(CORPUS, Silent())
    with pytest.raises(UnusableError, match=r"^content.json: expected this training's state, got other words") as told:
        launch(student, material, tmp_path / "s", CORPUS, device="cpu")
    assert told.value.path == tmp_path / "c"
