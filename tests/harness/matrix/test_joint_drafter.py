"""A matrix with a student whose training gives a drafter too: that one is its own, and others can be asked for."""

from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder, check
from offbook.harness.artifacts.recipes import DrafterRecipe, JointDrafterRecipe, StudentRecipe, TuningRecipe
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import run_plan
from offbook.harness.records.consistency import arm_of
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.roster.drafter_info import fingerprint
from offbook.harness.trials.spec import HeatSpec
from tests.matrices import matrix
from tests.tiny import save_tiny

SIZE = {"options": {"total_tokens": 6}}


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> dict[str, Any]:
    return {
        "models": {str(save_tiny(tmp_path_factory.mktemp("joint") / "tiny")): {}},
        "students": {
            "both": {"method": "medusa2", "options": {"heads_alone": 0.0, "draft_vocab_size": 64}},
            "all": {"method": "uniform_rationales"},
        },
        "training": {"gradient_tokens": 900, "questions_per_step": 1, "max_length": 4096, "evaluations": 1},
        "corpus": {"questions": 7, "dev_questions": 7},
        "decoders": {
            "autoregressive": {},
            "medusa": SIZE,
            "medusa_typical": SIZE,
            "afterwards": {"decoder": "medusa", "training": {"epochs": 2}} | SIZE,
            "borrowed": {"decoder": "medusa", "drafter": "base"} | SIZE,
        },
        "drafters": {
            **{"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128},
            "source": "regenerate",
        },
        "suites": {"qa": {"max_new_tokens": 5, "limit": 2}},
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 1, "max_new_tokens": 4},
    }


def heat_of(graph: Graph, student: str) -> Stage:
    (found,) = (stage for stage in graph.of_kind("heat") if f"by {student}, " in stage.title)
    return found


def drafters(graph: Graph, student: str) -> list[tuple[str, str, str]]:
    """Of a student's arms that draft: the decoder, whom its drafter was made for, and how."""
    arms = HeatSpec.model_validate(heat_of(graph, student).spec).arms
    kinds = {JointDrafterRecipe: "with the student", DrafterRecipe: "alone"}
    return sorted((a.decoder, a.made_for, kinds[type(a.drafter)]) for a in arms if a.drafter is not None)


def test_its_own_drafter_is_the_one_it_was_trained_with_unless_another_training_is_given(content):
    graph = plan(matrix(content))
    assert drafters(graph, "both") == [
        ("medusa", "base", "alone"),
        ("medusa", "target", "alone"),
        ("medusa", "target", "with the student"),
        ("medusa_typical", "target", "with the student"),
    ]
    assert {how for *_, how in drafters(graph, "all")} == {"alone"}
    titles = [stage.title for stage in graph.of_kind("drafter")]
    assert sum("for both" in title for title in titles) == 1
    assert sum("for all" in title for title in titles) == 2


def test_it_needs_the_student_and_no_answers(content):
    few = {name: content["decoders"][name] for name in ("autoregressive", "medusa")}
    graph = plan(matrix(content, decoders=few, students={"both": content["students"]["both"]}))
    heat = heat_of(graph, "both")
    assert [graph.stage(key).kind for key in graph.needed_by([heat.key]) - {heat.key}] == ["student"]


def test_what_cuts_its_rounds_is_measured_with_it(content):
    decoders = {"autoregressive": {}, "medusa": {"controller": "tuned"}}
    graph = plan(matrix(content, decoders=decoders, students={"both": content["students"]["both"]}))
    (tuning,) = (stage for stage in graph.of_kind("tuning") if "for both" in stage.title)
    assert isinstance(TuningRecipe.model_validate(tuning.spec).drafter, JointDrafterRecipe)
    assert [graph.stage(key).kind for key in tuning.needs] == ["student"]


def test_what_the_student_is_called_is_no_part_of_its_drafters_key(content):
    def key(name: str) -> str:
        graph = plan(matrix(content, students={name: content["students"]["both"]}))
        arms = HeatSpec.model_validate(heat_of(graph, name).spec).arms
        (found,) = {arm.drafter.key() for arm in arms if isinstance(arm.drafter, JointDrafterRecipe)}
        return found

    assert key("both") == key("another name")
    other = content["students"]["both"] | {"options": {"heads_weight": 0.5}}
    assert key("both") != next(
        arm.drafter.key()
        for arm in HeatSpec.model_validate(heat_of(plan(matrix(content, students={"both": other})), "both").spec).arms
        if isinstance(arm.drafter, JointDrafterRecipe)
    )


@pytest.fixture(scope="module")
def run(content, tmp_path_factory) -> tuple[Graph, Path]:
    graph, folder = plan(matrix(content)), tmp_path_factory.mktemp("run")
    ran = run_plan(graph, folder, Silent(), device="cpu")
    assert (ran.failed, ran.pending) == ([], 0)
    return graph, folder


def test_it_drafts_for_its_student_and_the_record_says_how_it_was_trained(run):
    graph, folder = run
    (student,) = (stage for stage in graph.of_kind("student") if "student both" in stage.title)
    place = artifact_folder(folder, "student", student.key)
    own = fingerprint(place / "medusa")
    cells = [r for r in Store(folder).records("cell") if r.spec.student.name == "both" and r.spec.drafter is not None]
    assert {(r.spec.decoder, r.spec.drafter.sha256 == own, r.drafter.trained_with) for r in cells} == {
        ("medusa", True, "medusa2"),
        ("medusa_typical", True, "medusa2"),
        ("medusa", False, None),
    }
    assert {r.spec.student.method for r in cells} == {"medusa2"}
    assert {r.spec.drafter.made_for for r in cells if r.spec.drafter.sha256 == own} == {"target"}
    recipes = {r.manifest["recipes"]["drafters"].get(arm_of(r)) for r in cells if r.spec.drafter.sha256 == own}
    assert recipes == {JointDrafterRecipe(decoder="medusa", student=StudentRecipe.model_validate(student.spec)).key()}
    exact = [r.certificate.verdict for r in cells if r.spec.decoder == "medusa"]
    assert len(exact) == 3
    assert set(exact) <= {"lossless", "ties"}
    assert check(place, student.key) is None
    assert verify(Store(folder)).findings == ()


def test_a_damaged_drafter_makes_the_student_anew(run):
    graph, folder = run
    (student,) = (stage for stage in graph.of_kind("student") if "student both" in stage.title)
    place = artifact_folder(folder, "student", student.key)
    weights = place / "medusa" / "model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert "medusa/model.safetensors" in str(check(place, student.key))
    ran = run_plan(graph, folder, Silent(), device="cpu")
    assert (ran.failed, ran.pending) == ([], 0)
    assert weights.read_bytes() == kept
