"""What a plan pins, a stage compares: nothing that was edited since gives numbers under a key that promises others."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.baselines.decoding.eagle2 import ARCHITECTURE
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.drafters.checkpoint import TargetName, draft_config, save_drafter
from offbook.engine.model_identity import model_identity
from offbook.engine.progress import Silent
from offbook.engine.students.corpus import save_corpus
from offbook.engine.students.record import RECORD
from offbook.harness.artifacts import train_student
from offbook.harness.artifacts.recipes import ModelSpec, Recipe, StudentRecipe
from offbook.harness.artifacts.train_student import launch
from offbook.harness.matrix import making
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.plan import plan
from offbook.harness.records.origin import Origin
from offbook.harness.trials import spec as specifications
from offbook.harness.trials.session import Session
from offbook.tasks.procedural import generate
from offbook.tasks.rationales.procedural_teacher import corpus
from tests.harness.roster.test_tuning import tuning
from tests.matrices import matrix
from tests.tiny import save_tiny, tiny_model

OTHER = "ab" * 32
THEIRS = Origin(distribution="theirs", version="1", code_sha256=OTHER).model_dump(mode="json")
# Who pins what, and stages whose run compares it: their kind, where it stands in their specification, another value.
COMPARED: dict[tuple[str, str], list[tuple[str, str, Any]]] = {
    ("ModelSpec", "weights_sha256"): [(kind, "model.weights_sha256", OTHER) for kind in ("answers", "heat", "exam")],
    ("ModelSpec", "settings_sha256"): [(kind, "model.settings_sha256", OTHER) for kind in ("answers", "heat", "exam")],
    ("StudentRecipe", "base_sha256"): [("student", "base_sha256", OTHER)],
    ("StudentRecipe", "settings_sha256"): [("student", "settings_sha256", OTHER)],
    ("StudentRecipe", "corpus_file_sha256"): [("student", "corpus_file_sha256", OTHER)],
    ("StudentRecipe", "helpers"): [("student", "helpers.teacher", OTHER), ("student", "helpers", {})],
    ("StudentRecipe", "made_by"): [("student", "made_by", THEIRS)],
    ("AnswersRecipe", "prompts_sha256"): [("answers", "prompts_sha256", OTHER)],
    ("DrafterRecipe", "made_by"): [("drafter", "made_by", THEIRS)],
    ("ArmSpec", "drafter_sha256"): [("heat", "arms.1.drafter_sha256", OTHER)],
    ("ArmSpec", "made_by"): [("heat", "arms.0.made_by", THEIRS)],
    ("ArmSpec", "tuning_sha256"): [("heat", "arms.0.tuning_sha256", OTHER)],
    ("TuningRecipe", "made_by"): [("tuning", "made_by", THEIRS)],
    ("TuningRecipe", "drafter_sha256"): [("tuning", "drafter_sha256", OTHER)],
    ("AskedSpec", "sha256"): [("heat", "suite.sha256", OTHER), ("exam", "suites.0.sha256", OTHER)],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("pins") / "tiny")


@pytest.fixture(scope="module")
def graph(tiny: Path) -> Graph:
    save_corpus(tiny.parent / "corpus.jsonl", corpus(generate("train", "shopping", 9)))
    save_tiny(tiny.parent / "teacher", seed=1)
    backbone = Backbone(tiny_model())
    save_drafter(
        tiny.parent / "drafter",
        ARCHITECTURE.build(draft_config(backbone)),
        torch.arange(64),
        layer=draft_config(backbone),
        architecture=ARCHITECTURE.name,
        target=TargetName(name="tiny", weights_sha256=model_identity(str(tiny)).weights_sha256),
        vocab_size=258,
        training={},
    )
    content = {
        "models": {str(tiny): {}},
        "students": {"kd": {"method": "logit_kd", "options": {"teacher": str(tiny.parent / "teacher")}}},
        "training": {"gradient_tokens": 300, "questions_per_step": 2, "evaluations": 1},
        "corpus": {"source": str(tiny.parent / "corpus.jsonl"), "questions": 3, "dev_questions": 1},
        "decoders": {
            "autoregressive": {},
            "eagle2": {"options": {"total_tokens": 6}},
            "given": {"decoder": "eagle2", "drafter": str(tiny.parent / "drafter")},
            "tuned": {"decoder": "eagle2", "drafter": str(tiny.parent / "drafter"), "controller": "tuned"},
        },
        "drafters": {"answers": 4, "epochs": 1, "source": "regenerate", "draft_vocab_size": 64},
        "suites": {"qa": {"max_new_tokens": 4, "limit": 1}},
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }
    return plan(matrix(content))


def run(stage: Stage, folder: Path) -> None:
    getattr(making, stage.kind)(stage, folder, Silent(), device="cpu")


def first(graph: Graph, kind: str) -> Stage:
    """Of the untouched model, where there is a choice."""
    return next(stage for stage in graph.of_kind(kind) if stage.spec.get("model", {}).get("student") is None)  # type: ignore[arg-type]


def recipes(kind: type[Recipe] = Recipe) -> Iterator[type[Recipe]]:
    for below in kind.__subclasses__():
        yield below
        yield from recipes(below)


def test_every_hash_and_every_maker_that_a_specification_pins_is_compared():
    pinned = {
        (kind.__name__, name)
        for kind in recipes()
        if kind.__module__ in (specifications.__name__, Recipe.__module__)
        for name in kind.model_fields
        if name.endswith("sha256") or name in ("helpers", "made_by")
    }
    assert pinned == COMPARED.keys()


@pytest.mark.parametrize(
    ("kind", "where", "other"), [case for cases in COMPARED.values() for case in cases], ids=lambda case: str(case)[:30]
)
def test_what_is_another_one_when_its_stage_comes_is_told_in_a_line(graph, tmp_path_factory, kind, where, other):
    stage = first(graph, kind)
    content = json.loads(json.dumps(stage.spec))
    place, (*way, last) = content, (int(part) if part.isdigit() else part for part in where.split("."))
    if kind == "heat":  # without the drafter that the plan would train
        content["arms"] = [
            arm for arm in content["arms"] if not any(isinstance(arm.get(of), dict) for of in ("drafter", "tuning"))
        ]
    if where.endswith("tuning_sha256"):
        path = tmp_path_factory.mktemp("tuning") / "tuning.json"
        path.write_bytes(tuning().to_bytes())
        content["arms"][0] |= {"tuning": str(path), "tuning_sha256": tuning().sha256()}
    for part in way:
        place = place[part]
    assert place[last] != other
    place[last] = other
    with pytest.raises(ValueError, match=r"expected .* the run was planned( with)?, got .*; plan it again") as told:
        run(replace(stage, spec=content), tmp_path_factory.getbasetemp() / "pinned")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("chat_template.jinja", b"assistant", b"ASSISTANT", "settings"),
        ("config.json", b'"rms_norm_eps": 1e-06', b'"rms_norm_eps": 1e-02', "settings"),
        ("model.safetensors", b"", b"", "weights"),
    ],
)
def test_a_model_edited_behind_the_plan_is_refused_until_it_is_restored(graph, tiny, tmp_path, file, old, new, named):
    path, exam = tiny / file, first(graph, "exam")
    content = path.read_bytes()
    changed = content.replace(old, new) if old else content[:-1] + bytes([content[-1] ^ 128])
    assert changed != content
    for stage in (exam, first(graph, "student"), first(graph, "answers")):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=f"{named} of '.*tiny': expected .* that the run was planned with"):
            run(stage, tmp_path)
        path.write_bytes(content)
    run(exam, tmp_path)


def test_an_edit_while_a_model_is_warm_changes_nothing(graph, tiny, tmp_path):
    spec = ModelSpec.model_validate(first(graph, "answers").spec["model"])
    session = Session(tmp_path, device="cpu")
    target = session.target(spec)
    path = tiny / "config.json"
    content = path.read_text()
    path.write_text(content.replace("1e-06", "1e-02"))
    assert session.target(spec) is target
    path.write_text(content)


def test_processes_that_found_an_edited_base_have_trained_another_student(graph, tiny, tmp_path, monkeypatch):
    recipe = StudentRecipe.model_validate(first(graph, "student").spec)
    student, material = Session(tmp_path).student(recipe, Silent())

    def trained(command: list[str], environ: dict[str, str]) -> int:
        identity = student.identity(material) | {"model_settings": OTHER}
        record = {"method": "logit_kd", "options": student.told(material), "config": asdict(student.config)}
        (tmp_path / RECORD).write_text(json.dumps(record | {"identity": identity}))
        return 0

    monkeypatch.setattr(train_student, "_run", trained)
    with pytest.raises(ValueError, match="expected a new folder or this student, got another one"):
        launch(student, material, tmp_path, recipe.corpus, device="cpu")
