"""A small matrix runs from its file to its records, twice does nothing, and makes again what was lost or damaged."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix.executors.choose import Executor
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.schedule import Tally, run_graph
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import run_plan
from offbook.harness.matrix.state import done
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.made_once import made_for
from offbook.harness.records.store import Store
from offbook.harness.roster.trained_on import drafter_trained_on
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import load_config
from offbook.tasks.prompts import load_prompts
from tests.chaos.corruptions import corruptions
from tests.chaos.true_run import Run
from tests.tiny import save_tiny


class Heard(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    content: dict[str, Any] = {
        "schema_version": 2,
        "description": "a student and two drafters on a tiny model",
        "models": {str(save_tiny(tmp_path_factory.mktemp("run") / "tiny")): {}},
        "students": {"one": {"method": "single_rationale"}},
        "training": {"gradient_tokens": 600, "questions_per_step": 2, "evaluations": 1, "max_length": 4096},
        "corpus": {"questions": 7, "dev_questions": 7},
        "decoders": {
            "autoregressive": {},
            "eagle2": {"options": {"total_tokens": 6}},
            "borrowed": {"decoder": "eagle2", "drafter": "base", "options": {"total_tokens": 6}},
        },
        "drafters": {
            "answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128,
            "source": "regenerate",
        },
        "suites": {"qa": {"max_new_tokens": 4, "limit": 1}},
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }  # fmt: skip
    path = tmp_path_factory.mktemp("matrix") / "tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def graph(file) -> Graph:
    return plan(load_config(file, Matrix))


def run(graph: Graph, folder: Path, progress: Any = None) -> Tally:
    progress = progress or Silent()
    pool = InProcess(graph, folder, progress, device="cpu")
    tally = run_graph(graph, folder, pool, progress=progress, attempts=1)
    for error in pool.errors.values():
        raise error
    return tally


@pytest.fixture(scope="module")
def whole(graph, tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("whole")
    tally = run(graph, folder)
    assert (tally.done, tally.failed, tally.pending) == (len(graph), {}, 0)
    return folder


def test_a_matrix_leaves_a_record_for_each_cell_and_exam(graph, whole):
    records = Store(whole).records("cell")
    assert len(records) == 2 + 3, "the untouched model with its own drafter, the student with both"
    assert {(r.spec.student.name, r.spec.decoder, r.spec.drafter and r.spec.drafter.made_for) for r in records} == {
        ("untouched", "autoregressive", None),
        ("untouched", "eagle2", "target"),
        ("one", "autoregressive", None),
        ("one", "eagle2", "target"),
        ("one", "eagle2", "base"),
    }
    assert len({record.spec.drafter for record in records}) == 4, (
        "none, the base's as its own and as lent, the student's"
    )
    sat = {(exam.record.spec.student.name, len(exam.rows)) for exam in Store(whole).exams()}
    assert sat == {("untouched", 2), ("one", 2)}
    assert {record.trial for record in Store(whole).records()} == {s.key for s in graph.of_kind("heat", "exam")}
    assert done(graph, whole) == {stage.key for stage in graph.stages}
    made = {what.partition(" ")[2] for record in records for what, _ in made_for(record)}
    assert made == {stage.key for stage in graph.of_kind("student", "drafter")}, "records name what they were made of"


def test_drafters_of_a_run_say_on_what_they_were_trained(graph, whole):
    folders = [artifact_folder(whole, "drafter", stage.key) for stage in graph.of_kind("drafter")]
    assert folders
    for folder in folders:
        assert drafter_trained_on(folder).prompts == 6
    for record in Store(whole).records("cell"):
        assert "training_unknown" not in record.manifest["heat"]


def test_a_second_run_does_nothing(graph, whole, monkeypatch):
    monkeypatch.setattr("offbook.harness.matrix.making.session", None)
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file() and path.name[0] != "."}
    assert run(graph, whole).done == len(graph)
    after = {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file() and path.name[0] != "."}
    assert after == before


def test_a_heat_that_lost_a_record_is_run_again_and_no_other_stage(graph, whole):
    next((whole / "records").glob("offbook-qa-eagle2-*.json")).unlink()
    heard = Heard()
    run_plan(graph, whole, heard, device="cpu", executor=Executor(kind="in-process"))
    (ran,) = (line for line in heard.lines if line.startswith("["))
    assert "offbook_qa at temperature 0" in ran
    assert len(Store(whole).cells()) == 5


@pytest.mark.parametrize(
    ("kind", "damage"), [("answers", "gone"), ("drafter", "a bit turned"), ("student", "truncated")]
)
def test_an_artifact_that_is_damaged_is_named_and_made_again(graph, whole, kind, damage):
    stage = graph.of_kind(kind)[0]
    place = artifact_folder(whole, kind, stage.key)
    path = place / {"answers": "answers.jsonl"}.get(kind, "model.safetensors")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-8])
    else:
        path.write_bytes(content[:-8] + bytes([content[-8] ^ 1]) + content[-7:])
    heard = Heard()
    run(graph, whole, heard)
    assert any(place.name in line and line.endswith("made again") for line in heard.lines)
    assert path.read_bytes() == content, "the same recipe gives the same bytes"


def test_what_is_corrupted_is_noticed_and_reaches_no_table(file, graph, whole, tmp_path):
    run(graph, whole)
    outcomes, faults = corruptions(Run.of(whole, file, None, tmp_path / "figures"), tmp_path, 4)
    assert faults == []
    assert outcomes.total() == 4


@pytest.mark.parametrize(
    ("kind", "name", "damage"),
    [
        ("student", "model.safetensors", lambda content: b"123"),
        ("student", "distillation.json", lambda content: b"{}"),
        ("student", "distillation.json", lambda content: content.replace(b'"steps": ', b'"steps": 1')),
        ("drafter", "model.safetensors", lambda content: content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]),
        ("drafter", "config.json", lambda content: content),
    ],
    ids=["truncated", "emptied", "edited", "a bit turned", "whole"],
)
def test_what_a_training_finished_is_not_certified_as_it_lies(graph, whole, kind, name, damage):
    place = artifact_folder(whole, kind, graph.of_kind(kind)[0].key)
    weights, path = (place / "model.safetensors").read_bytes(), place / name
    (place / "artifact.json").unlink()
    path.write_bytes(damage(content := path.read_bytes()))
    before, heard = path.stat().st_mtime_ns, Heard()
    run(graph, whole, heard)
    if path.read_bytes() != content or name == "model.safetensors":
        assert any(place.name in line and line.endswith("made again") for line in heard.lines)
    else:
        assert path.stat().st_mtime_ns == before, "a training that was finished is kept"
    assert (place / "model.safetensors").read_bytes() == weights, "the same recipe gives the same bytes"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("student", "state/fingerprint"),
        ("student", "state/part-1/content.json"),
        ("drafter", ".training/part-1/content.json"),
        ("answers", ".answered/answers.jsonl"),
    ],
)
def test_what_cannot_be_gone_on_with_is_named_and_made_again(graph, whole, kind, name):
    stage = graph.of_kind(kind)[0]
    place = artifact_folder(whole, kind, stage.key)
    made = place / {"answers": "answers.jsonl"}.get(kind, "model.safetensors")
    content = made.read_bytes()
    shutil.rmtree(place)
    if kind == "answers":
        weights, prompts = stage.spec["model"]["weights_sha256"], load_prompts("train")
        asked = canonical_sha256([prompts[i * len(prompts) // 6].id for i in range(6)])
        name = f".answered/answers-{weights[:12]}-{asked[:8]}.jsonl"
    (place / name).parent.mkdir(parents=True)
    (place / name).write_text("garbage\n")
    heard = Heard()
    run(graph, whole, heard)
    (told,) = (line for line in heard.lines if line.endswith("made again"))
    assert place.name in told
    assert made.read_bytes() == content
