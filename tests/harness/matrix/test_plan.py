"""A matrix file becomes stages whose keys hold everything that decides what comes out, and nothing is loaded for it."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from offbook.harness.artifacts.recipes import AnswersRecipe, DrafterRecipe, StudentRecipe
from offbook.harness.matrix import specs as module
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import parse
from offbook.harness.trials.spec import ArmSpec, ExamSpec, HeatSpec
from tests.tiny import save_tiny
from tests.variations import variations

BASELINE: dict[str, Any] = {"autoregressive": {"drafter": "none"}}


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> dict[str, Any]:
    return {
        "schema_version": 2,
        "description": "two students, three decoders, three suites, two seeds",
        "models": {str(save_tiny(tmp_path_factory.mktemp("plan") / "tiny")): {}},
        "students": {"one": {"method": "single_rationale"}, "all": {"method": "uniform_rationales"}},
        "training": {"gradient_tokens": 900, "evaluations": 1},
        "corpus": {"questions": 7, "dev_questions": 7},
        "decoders": {
            "autoregressive": {},
            "eagle2": {"options": {"total_tokens": 6}},
            "borrowed": {"decoder": "eagle2", "drafter": "base", "options": {"total_tokens": 6}},
        },
        "drafters": {"answers": 6, "epochs": 1, "source": "regenerate"},
        "suites": {"qa": {"max_new_tokens": 5, "limit": 2}, "maths": {"limit": 1}, "procedural_dates": {}},
        "seeds": [0, 1],
        "exams": {"suites": {"id": ["procedural_shopping"], "ood": ["procedural_dates"]}, "limit": 3},
    }


def planned(content: dict[str, Any], **changes: Any) -> Graph:
    return plan(parse(Matrix, content | changes, source="test"))


def test_the_same_matrix_has_the_same_keys_in_whatever_order_its_keys_stand(content):
    turned = json.loads(json.dumps(content, sort_keys=True))
    assert set(turned) == set(content)
    assert list(turned) != list(content)
    keys = [stage.key for stage in planned(content).stages]
    assert keys == [stage.key for stage in planned(content).stages]
    assert set(keys) == {stage.key for stage in planned(turned).stages}


def test_a_matrix_has_a_heat_for_each_suite_seed_and_checkpoint_and_what_it_needs(content):
    graph = planned(content)
    kinds = [stage.kind for stage in graph.stages]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "heat": 3 * 3 * 2, "exam": 3, "student": 2, "drafter": 3, "answers": 3
    }  # fmt: skip
    arms = {
        stage.title: [(arm["decoder"], arm["made_for"]) for arm in stage.spec["arms"]]
        for stage in graph.of_kind("heat")
    }
    both = [("autoregressive", "target"), ("eagle2", "base"), ("eagle2", "target")]
    assert arms["offbook_qa at temperature 0, with seed 0"] == [both[0], both[2]], (
        "the untouched model's own drafter is its base's"
    )
    assert arms["offbook_qa at temperature 0 by one, seed 0, with seed 1"] == both
    (student,) = (stage for stage in graph.of_kind("student") if stage.title == "student one, seed 0")
    heat = next(stage for stage in graph.of_kind("heat") if "by one, seed 0" in stage.title)
    assert student.key in heat.needs
    assert {graph.stage(key).title for key in graph.needed_by([heat.key])} >= {"drafter eagle2"}
    assert all(stage.alone for stage in graph.of_kind("heat"))


def test_include_keeps_and_exclude_leaves_out(content):
    students_sit_exams_only = planned(content, include=[{"students": "untouched"}])
    assert len(students_sit_exams_only.of_kind("heat")) == 6
    assert len(students_sit_exams_only.of_kind("exam")) == 3
    assert len(planned(content, exclude=[{"suites": ["qa", "maths"], "seeds": 1}]).of_kind("heat")) == 12
    fewer = planned(content, exclude=[{"students": "untouched", "decoders": ["eagle2", "borrowed"]}])
    assert {len(stage.spec["arms"]) for stage in fewer.of_kind("heat")} == {1, 3}
    with pytest.raises(ValueError, match="expected autoregressive among the decoders on qa, got eagle2, borrowed"):
        planned(content, exclude=[{"decoders": "autoregressive"}])
    with pytest.raises(ValueError, match="expected a matrix with cells, got one of which nothing is left"):
        planned(content, exclude=[{}], exams=None, students={})


def test_a_combination_takes_the_drafter_that_is_trained_anyway_and_a_counted_one_hangs_on_no_training(content):
    decoders = BASELINE | {"eagle2": {}, "lookup_else_eagle2": {}, "ngram_table": {}}
    drafters = [
        planned(
            content, decoders=decoders, drafters={"source": "regenerate", "epochs": epochs}, students={}, exams=None
        )
        for epochs in (1, 2)
    ]
    made = [{stage.spec["decoder"]: stage.key for stage in graph.of_kind("drafter")} for graph in drafters]
    assert set(made[0]) == {"eagle2", "ngram_table"}
    assert made[0]["ngram_table"] == made[1]["ngram_table"]
    assert made[0]["eagle2"] != made[1]["eagle2"]


def test_a_variant_of_a_drafter_is_another_drafter_and_a_named_default_is_none(content):
    def made(**variant: Any) -> dict[str, Any]:
        training = {"training": {"variant": variant}} if variant else {}
        decoders = BASELINE | {"jakiro": training}
        (stage,) = planned(content, decoders=decoders, students={}, exams=None).of_kind("drafter")
        return stage.spec | {"key": stage.key}

    assert made() == made(experts=2, second="contrast")
    assert "variant" not in made()
    assert made(experts=3, weighting="code")["variant"] == {"experts": 3}
    assert len({found["key"] for found in (made(), made(experts=3), made(second="none"), made(passes=3))}) == 4


def test_two_variants_of_a_decoder_are_two_arms_of_one_heat(content):
    variants = {f"jakiro_{n}": {"decoder": "jakiro", "training": {"variant": {"experts": n}}} for n in (2, 4)}
    graph = planned(content, decoders=BASELINE | variants, students={}, exams=None)
    assert len(graph.of_kind("drafter")) == 2
    assert all(len(heat.spec["arms"]) == 3 for heat in graph.of_kind("heat"))


def test_stages_that_differ_have_titles_that_differ(content):
    temperatures = [{"temperature": 1}, {"temperature": 1, "top_k": 5}]
    titles = [stage.title for stage in planned(content, temperatures=temperatures).stages]
    assert len(set(titles)) == len(titles)
    assert "offbook_qa at temperature 1 by one, seed 0, with seed 1, top-k 5" in titles


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"temperatures": [{"temperature": 1e-9}]}, "temperature must be 0 or at least 1e-06"),
        ({"temperatures": [{"temperature": 1, "top_p": 1e-9}]}, "top_p must lie in"),
        ({"exams": {"suites": {"id": ["qa"], "ood": ["qa"]}}}, "expected each suite once, got 'offbook_qa' more often"),
        (
            {"decoders": BASELINE | {"eagle2": {"drafter": "none"}}},
            "eagle2: expected a trained drafter, got none; make",
        ),
        (
            {"decoders": BASELINE | {"prompt_lookup": {"drafter": "own"}}},
            "prompt_lookup: expected no drafter, got 'own'",
        ),
        ({"decoders": BASELINE | {"prompt_lookup": {"drafter": "d"}}}, "prompt_lookup: expected no drafter, got 'd'"),
        (
            {"decoders": BASELINE | {"prompt_lookup": {"training": {"epochs": 2}}}},
            "prompt_lookup: expected no `training`, got some",
        ),
        (
            {"decoders": BASELINE | {"ngram_table": {"training": {"answers": 5, "epochs": 2}}}},
            "ngram_table: expected no such `training`, got epochs; its drafter is counted",
        ),
        (
            {"decoders": BASELINE | {"eagle2": {"training": {"variant": {"experts": 3}}}}},
            "variant of eagle2: .*experts.*known keys are likeliest, passes",
        ),
        (
            {"decoders": BASELINE | {"jakiro": {"training": {"variant": {"experts": 6}}}}},
            "variant of jakiro: experts: .*got 6",
        ),
        (
            {"decoders": BASELINE | {"ngram_table": {"training": {"variant": {"order": 3}}}}},
            "variant of ngram_table: .*there is nothing to set",
        ),
    ],
)
def test_what_no_trial_could_do_is_refused_before_any_begins(content, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        planned(content, **changes)


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"drafters": {"answers": 5, "epochs": 1, "source": "regenerate"}}, {"answers", "drafter", "heat"}),
        ({"drafters": {"answers": 6, "epochs": 2, "source": "regenerate"}}, {"drafter", "heat"}),
        ({"training": {"gradient_tokens": 901}}, {"student", "exam", "answers", "drafter", "heat"}),
        ({"corpus": {"questions": 8, "dev_questions": 7}}, {"student", "exam", "answers", "drafter", "heat"}),
        ({"seeds": [0, 2]}, {"heat"}),
        ({"temperatures": [{"temperature": 0.5}]}, {"heat"}),
        ({"exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 3}}, {"exam"}),
        ({"description": "told otherwise"}, set()),
    ],
)
def test_a_setting_moves_the_keys_of_what_it_decides_and_no_other(content, changes, moved):
    before, after = planned(content), planned(content, **changes)
    known = {stage.key for stage in before.stages}
    assert {stage.kind for stage in after.stages if stage.key not in known} == moved


def test_a_default_is_part_of_a_key(content):
    given = content["training"] | {"learning_rate": 1e-4}  # the default
    assert [s.key for s in planned(content, training=given).stages] == [s.key for s in planned(content).stages]


def test_weights_and_task_files_are_part_of_keys(content, monkeypatch):
    before = {stage.key for stage in planned(content).stages}
    with monkeypatch.context() as patch:
        patch.setattr(module, "model_hashes", lambda *_: ("cd" * 32, None))
        assert not before & {stage.key for stage in planned(content).stages}
    with monkeypatch.context() as patch:
        patch.setattr("offbook.harness.suites.sources._own_sha256", lambda folder: "ef" * 32)
        kinds = {stage.kind for stage in planned(content).stages if stage.key not in before}
    assert kinds == {"heat", "exam"}


FIXED = {"kind"}  # one value


@pytest.mark.parametrize("kind", ["heat", "exam"])
def test_every_field_of_a_specification_moves_its_key(content, kind):
    graph = planned(content)
    model = {"heat": HeatSpec, "exam": ExamSpec}[kind]
    spec = model.model_validate(graph.of_kind(kind)[-1].spec)
    assert spec.key() == graph.of_kind(kind)[-1].key == model.model_validate_json(spec.model_dump_json()).key()
    changed = variations(spec)
    paths = [path for path, _ in changed]
    assert len(set(paths)) == len(paths) >= 20
    assert {name for name in model.model_fields if not any(path.startswith(name) for path in paths)} == FIXED
    fresh = {path: model.model_validate(other.model_dump()).key() for path, other in changed}
    same = [path for path, key in fresh.items() if key == spec.key()]
    assert "model.student.processes" in same
    assert [path for path in same if not path.endswith(("student.processes", "student.tries"))] == []
    assert len(set(fresh.values()) - {spec.key()}) == len(fresh) - len(same)


ARTIFACTS = {"student": StudentRecipe, "answers": AnswersRecipe, "drafter": DrafterRecipe}


@pytest.mark.parametrize("kind", ARTIFACTS)
def test_a_students_name_processes_and_tries_are_no_part_of_what_is_made_with_it(content, kind):
    stage = planned(content).of_kind(kind)[-1]
    recipe = ARTIFACTS[kind].model_validate(stage.spec)
    assert recipe.key() == stage.key
    where = {"student": "", "answers": "model.student.", "drafter": "answers.model.student."}[kind]
    fresh = {path: ARTIFACTS[kind].model_validate(other.model_dump()).key() for path, other in variations(recipe)}
    same = {path for path, key in fresh.items() if key == recipe.key()}
    assert same == {f"{where}{name}" for name in ("name", "processes", "tries")}


def test_a_copy_of_a_recipe_has_a_key_of_its_own_though_the_first_ones_was_asked_for(content):
    exams = [ExamSpec.model_validate(stage.spec) for stage in planned(content).of_kind("exam")]
    assert len({exam.model.key() for exam in exams}) == 3
    assert len({exam.model.base.key() for exam in exams}) == 1
    assert len({exam.model_copy(update={"model": exam.model.base}).key() for exam in exams}) == 1


def test_a_student_of_another_name_sits_its_trials_again_and_nothing_is_made_again(content):
    renamed = {"first": content["students"]["one"], "all": content["students"]["all"]}
    before = {stage.key for stage in planned(content).stages}
    other = [stage for stage in planned(content, students=renamed).stages if stage.key not in before]
    assert {stage.kind for stage in other} == {"heat", "exam"}
    assert all("first" in stage.title for stage in other)


def test_an_option_that_is_called_student_is_part_of_a_key():
    recipe = ArmSpec(decoder="theirs", options={"student": {"name": "a"}})
    assert recipe.key() != ArmSpec(decoder="theirs", options={"student": {"name": "b"}}).key()


def test_ten_thousand_cells_are_planned_in_seconds_without_torch_or_lm_eval(content):
    suites = ["maths", "code", "chat", "qa", "extraction", "summarisation", "procedural_one_step"]
    big = content | {
        "students": {},
        "exams": None,
        "decoders": {name: {} for name in ("autoregressive", "prompt_lookup", "eagle2", "jakiro", "hf_generate")},
        "suites": {name: {} for name in suites},
        "temperatures": [{"temperature": 0}, {"temperature": 1}],
        "seeds": list(range(84)),
    }
    script = f"""
import json, sys, time
from offbook.harness.matrix import specs as module
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import parse
matrix = parse(Matrix, json.loads({json.dumps(big)!r}), source="big")
module.model_hashes = lambda *_: ("ab" * 32, None)
begin = time.process_time()
graph = plan(matrix)
print(sum(len(stage.spec["arms"]) for stage in graph.of_kind("heat")), time.process_time() - begin)
print([name for name in ("torch", "lm_eval", "transformers") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, imported = done.stdout.splitlines()
    cells, seconds = first.split()
    assert int(cells) >= 10_000
    assert imported == "[]"
    assert float(seconds) < 10, "two seconds on a machine that does nothing else"


def test_a_plan_survives_its_file(content, tmp_path):
    graph = planned(content)
    graph.write(tmp_path)
    start = time.perf_counter()
    assert Graph.read(tmp_path) == graph
    assert time.perf_counter() - start < 2
