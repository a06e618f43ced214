"""Drafters and students that were trained on what they are asked: named in the record and in the tables."""

import dataclasses
import json
from pathlib import Path

import pytest

from offbook.baselines.distillation.single_rationale import single_rationale
from offbook.engine.drafters.answers import answer_prompts
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.progress import Silent
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.trained_on import FILE
from offbook.harness.artifacts.drafters import train
from offbook.harness.records.exam import TrainingCost
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.tables.students_markdown import write_students
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.heat import plan_heat, run_heat
from offbook.harness.trials.paper import set_paper
from offbook.tasks.procedural.documents import documents
from offbook.tasks.prompts import Prompt, load_prompts
from tests.baselines.distillation_job import job
from tests.tiny import save_tiny

QUICK = TrainingConfig(epochs=1, batch_size=2, draft_vocab_size=64, max_length=96)
DOCUMENTS = 2
COST = TrainingCost(gradient_tokens=1, kept_tokens=1, distinct_sequences=1, steps=1, wall_s=1.0, peak_bytes=1)


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("trained") / "tiny")), device="cpu")


@pytest.fixture(scope="module")
def suite():
    (found,) = find_suites(["qa"])
    return found


def drafter(target: Target, prompts: list[Prompt], folder: Path) -> Path:
    """An eagle2 drafter that learned from the target's answers to these prompts."""
    target.backbone.use_native_attention()
    path = folder / "answers.jsonl"
    answers = answer_prompts(target.backbone.model, target.tokenizer, prompts, path, max_new_tokens=8)
    target.backbone.use_tree_attention()
    return train(contender("eagle2"), target, answers, QUICK, folder / "drafter")


def qa(split: str) -> list[Prompt]:
    return [prompt for prompt in load_prompts(split) if prompt.id.startswith("qa")][:DOCUMENTS]


def heat(target, suite, store, drafter_folder):
    """What a heat's manifest says of it, and the leaderboard."""
    arms = build_arms(target, ["autoregressive", "eagle2"], drafter_folders={"eagle2": drafter_folder})
    records = run_heat(plan_heat(target, arms, suite, limit=DOCUMENTS, max_new_tokens=8), Store(store))
    write_leaderboard(Store(store), store)
    return records[0].manifest["heat"], (store / "LEADERBOARD.md").read_text()


def test_a_drafter_of_other_prompts_is_not_named(target, suite, tmp_path):
    told, text = heat(target, suite, tmp_path / "run", drafter(target, qa("train"), tmp_path))
    assert not {"found", "training_unknown"} & told.keys()
    assert "Not to be trusted" not in text
    assert "Training data unknown" not in text


def test_a_drafter_that_was_trained_on_the_suite_is_named(target, suite, tmp_path):
    told, text = heat(target, suite, tmp_path / "run", drafter(target, qa("test"), tmp_path))
    assert told["found"] == {"eagle2": "was trained on 2 of these 2 documents: its acceptance is not that on new ones"}
    assert "Not to be trusted: eagle2 was trained on 2 of these 2 documents" in text


def test_a_drafter_that_says_nothing_of_its_training_is_named_for_that(target, suite, tmp_path):
    folder = drafter(target, qa("test"), tmp_path)
    config = json.loads((folder / "config.json").read_text())
    del config["training"]["trained_on"]
    (folder / "config.json").write_text(json.dumps(config))
    told, text = heat(target, suite, tmp_path / "run", folder)
    assert told["training_unknown"] == ["eagle2"]
    assert "Training data unknown: eagle2 does not say what it was trained on." in text


def test_a_list_of_prompts_that_was_edited_is_refused(target, suite, tmp_path):
    folder = drafter(target, qa("test"), tmp_path)
    (folder / FILE).write_text('{"schema_version": 1, "prompts": 2, "runs": []}\n')
    with pytest.raises(ValueError, match=r"trained_on.json: expected SHA-256 \w+ of the checkpoint's record"):
        build_arms(target, ["eagle2"], drafter_folders={"eagle2": folder})


def student(split: str, folder: Path) -> Path:
    """A student of the questions of one suite."""
    asked = [
        (f"q{n}", str(doc["question"]), str(doc["answer"]))
        for n, doc in enumerate(documents("shopping", split, steps=1)[:4])
    ]
    told = {i: close("So it is.", answer) for i, _, answer in asked}
    rationales = Corpus.of(
        Question(
            id=i,
            question=question,
            answer=answer,
            rationales=(
                Rationale(
                    perspective="p", text=told[i][0], answer_span=told[i][1], provenance="test", licence="Apache-2.0"
                ),
            ),
        )
        for i, question, answer in asked
    )
    return single_rationale(job(folder / "student", rationales, gradient_tokens=100, evaluations=1, max_length=1000))


@pytest.mark.parametrize(
    ("split", "said"),
    [("test", "Not to be trusted: honest?, seed 0 was trained on 4 of these 6 documents"), ("train", None)],
)
def test_a_student_that_was_trained_on_its_exam_is_named(split, said, tmp_path):
    target = load_target(str(student(split, tmp_path)), device="cpu")
    paper = set_paper({"id": find_suites(["procedural_shopping"])}, target, limit=6, max_new_tokens=4, batch_size=6)
    spec = exam_spec(
        paper,
        model="tiny",
        base_sha256="ab",
        weights_sha256=target.weights_sha256,
        settings_sha256=target.settings_sha256,
        dtype="float32",
        student=StudentId(name="honest?", method="single_rationale", training={"gradient_tokens": 100}),
    )
    found = examine(paper, target, spec, COST, tmp_path, Silent()).record.manifest
    write_students(tmp_path)
    text = (tmp_path / "STUDENTS.md").read_text()
    assert (said in text.replace("\\", "")) if said else ("found" not in found and "Not to be trusted" not in text)
    assert "training_unknown" not in found


def test_a_heat_names_a_student_that_was_trained_on_the_suite(tmp_path):
    target = load_target(str(student("test", tmp_path)), device="cpu")
    (suite,) = find_suites(["procedural_shopping"])
    arms = build_arms(target, ["autoregressive"])
    (record,) = run_heat(plan_heat(target, arms, suite, limit=5, max_new_tokens=4), Store(tmp_path / "run"))
    assert record.manifest["heat"]["found"] == {
        "student": "was trained on 4 of these 5 documents: its accuracy is not that on new ones"
    }
    forgetful = dataclasses.replace(target, trained_on=None)
    planned = plan_heat(forgetful, build_arms(forgetful, ["autoregressive"]), suite, limit=5, max_new_tokens=4)
    (record,) = run_heat(planned, Store(tmp_path / "base"))
    assert "found" not in record.manifest["heat"], "nobody asks a base model what it read"
