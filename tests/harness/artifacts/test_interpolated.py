"""Students between a base model and one that was trained of it: their weights, names, keys and records."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from offbook.engine.pretrained import weights_sha256
from offbook.engine.progress import Silent
from offbook.engine.resuming.seal import broken
from offbook.engine.students.interpolation import interpolate
from offbook.engine.students.record import RECORD
from offbook.harness.artifacts.interpolated import make_interpolated, place_of
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.artifacts.recipes import StudentRecipe
from offbook.harness.artifacts.students import cost
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.reproduce import reproduce
from offbook.harness.matrix.units import measure
from offbook.harness.records.store import Store
from offbook.harness.records.student import Interpolation, StudentId
from tests.matrices import matrix
from tests.tiny import save_tiny, tiny_model

NAMES = ["one", "one, 0.25 of the way", "one, 0.5 of the way"]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return {
        "models": {str(save_tiny(tmp_path_factory.mktemp("between") / "tiny", max_position_embeddings=4096)): {}},
        "students": {"one": {"method": "single_rationale", "seeds": 2, "interpolate": [0.5, 0.25], "tries": 6}},
        "corpus": {"questions": 7, "dev_questions": 7},
        "training": {
            **{"gradient_tokens": 900, "questions_per_step": 2, "max_length": 4096, "evaluations": 1},
            "learning_rate": 0.01,
        },
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }


@pytest.fixture(scope="module")
def graph(content: dict) -> Graph:
    return plan(matrix(content))


@pytest.fixture(scope="module")
def whole(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    reproduce(graph, folder, Silent(), committed=folder / "none")
    return folder


def recipes(graph: Graph) -> dict[tuple[str, int], StudentRecipe]:
    found = [StudentRecipe.model_validate(stage.spec) for stage in graph.of_kind("student")]
    return {(recipe.name, recipe.seed): recipe for recipe in found}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return {name: p.detach() for name, p in model.named_parameters()}


def test_each_is_a_student_that_needs_the_trained_one_and_sits_exams(graph: Graph):
    found = recipes(graph)
    assert set(found) == {(name, seed) for name in NAMES for seed in (0, 1)}
    assert len({recipe.key() for recipe in found.values()}) == 6
    for (name, seed), recipe in found.items():
        stage = graph.stage(recipe.key())
        if name == "one":
            assert stage.needs == ()
        else:
            assert recipe.parent == found["one", seed]
            assert recipe.parent.key() == found["one", seed].key()
            assert stage.needs == (found["one", seed].key(),)
    exams = [stage for stage in graph.of_kind("exam") if stage.spec["model"]["student"]]
    assert {stage.spec["model"]["student"]["name"] for stage in exams} == set(NAMES)
    assert len(exams) == 6


def test_a_student_without_them_has_the_key_it_has_with_them(content: dict, graph: Graph):
    alone = plan(matrix(content, students={"one": {"method": "single_rationale", "seeds": 2}}))
    assert {stage.key for stage in alone.of_kind("student")} < {stage.key for stage in graph.of_kind("student")}


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_the_ends_of_the_way_are_no_students_of_their_own(content: dict, share: float):
    with pytest.raises(ValueError, match=r"students\.one\.interpolate"):
        plan(matrix(content, students={"one": {"method": "single_rationale", "interpolate": [share]}}))


def test_its_time_is_told_by_others_of_its_kind_and_not_by_trainings(graph: Graph):
    units = {measure(stage) for stage in graph.of_kind("student")}
    assert {(name.split()[0], count) for name, count in units} == {("single_rationale", 900.0), ("interpolation", 1.0)}


def test_its_weights_lie_between_the_models_and_its_parents(whole: Path, graph: Graph, content: dict):
    found = recipes(graph)
    base = weights(Path(next(iter(content["models"]))))
    trained = weights(artifact_folder(whole, "student", found["one", 1].key()))
    half = weights(artifact_folder(whole, "student", found[NAMES[2], 1].key()))
    quarter = weights(artifact_folder(whole, "student", found[NAMES[1], 1].key()))
    assert any(not torch.equal(value, trained[name]) for name, value in base.items())
    for name, value in base.items():
        torch.testing.assert_close(half[name], (value + trained[name]) / 2)
        torch.testing.assert_close(quarter[name], 0.75 * value + 0.25 * trained[name])


def test_its_records_name_the_place_the_parent_and_the_tries(whole: Path, graph: Graph):
    exams = {
        (e.record.spec.student.name, e.record.spec.student.seed): e.record
        for e in Store(whole).exams()
        if not e.record.spec.student.untouched
    }
    assert set(exams) == {(name, seed) for name in NAMES for seed in (0, 1)}
    for (name, seed), record in exams.items():
        assert record.cost.tries == 6
        place = record.spec.student.interpolation
        if name == "one":
            assert place is None
            assert record.cost.dev_questions == 7
        else:
            assert place.a == {NAMES[1]: 0.25, NAMES[2]: 0.5}[name]
            assert place.parent_sha256 == exams["one", seed].spec.weights_sha256
            assert record.cost.gradient_tokens == exams["one", seed].cost.gradient_tokens
            assert record.cost.dev_scores == ()
    for name in NAMES:
        first, second = (exams[name, seed].spec.student for seed in (0, 1))
        assert first.setting() == second.setting(), "seeds of one student, whatever their parents' weights"
    assert len({exams[name, 0].spec.student.setting() for name in NAMES}) == 3


def test_its_folder_is_sealed_and_says_what_it_learned_from(whole: Path, graph: Graph):
    folder = artifact_folder(whole, "student", recipes(graph)[NAMES[1], 0].key())
    content = json.loads((folder / RECORD).read_text())
    assert broken(folder / RECORD) is None
    assert {"trained_on.json", "model.safetensors", "config.json"} <= set(content["files"])
    assert "log" not in content
    assert content["saved_dtype"] == "float32"
    assert place_of(folder).a == 0.25
    assert cost(folder).dtype_scores == {}
    assert cost(folder).kept_score is None


def test_it_is_made_of_the_base_model_that_was_planned(whole: Path, graph: Graph, tmp_path: Path):
    recipe = recipes(graph)[NAMES[1], 0]
    parent = artifact_folder(whole, "student", recipe.parent.key())
    edited = StudentRecipe.model_validate(recipe.model_dump() | {"base_sha256": "00"})
    with pytest.raises(ValueError, match="expected 00 that the run was planned with"):
        make_interpolated(edited, parent, tmp_path / "s")
    with pytest.raises(ValueError, match="expected an interpolated student's record, got another"):
        place_of(parent)
    made = make_interpolated(recipe, parent, tmp_path / "t")
    assert weights_sha256(str(made)) == weights_sha256(str(artifact_folder(whole, "student", recipe.key())))


def test_models_of_different_shapes_have_nothing_between_them():
    with pytest.raises(ValueError, match="expected a student of this base model"):
        interpolate(tiny_model(hidden_size=16), tiny_model(), 0.5)


def test_records_without_a_place_keep_their_hash():
    plain = StudentId(name="a", method="a")
    assert "interpolation" not in plain.model_dump()
    placed = StudentId(name="a", method="a", interpolation=Interpolation(a=0.5, parent_sha256="ab"))
    assert placed.setting() != plain.setting()
