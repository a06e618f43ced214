"""A piece of a matrix at a time: the students of some seeds, and curves of some, under the keys of the whole."""

from typing import Any

import pytest

from offbook.harness.artifacts.recipes import StudentRecipe
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.bounds import EXAM_TOKENS
from offbook.harness.trials.spec import ExamSpec
from tests.matrices import matrix
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {
        "models": {str(save_tiny(tmp_path_factory.mktemp("pieces") / "tiny")): {}},
        "students": {
            "one": {"method": "single_rationale", "seeds": 3, "interpolate": [0.5], "interpolate_seeds": 1},
            "two": {"method": "uniform_rationales", "seeds": 2},
        },
        "corpus": {"questions": 7, "dev_questions": 7},
        "exams": {
            "suites": {"id": ["procedural_shopping"], "form": ["procedural_dates"]},
            "limit": 5,
            "limits": {"id": 2},
            "max_new_tokens": None,
        },
    }


def students(found: dict[str, Any], **changes: Any) -> dict[tuple[str, int], str]:
    stages = plan(matrix(found, **changes)).of_kind("student")
    recipes = {stage.key: StudentRecipe.model_validate(stage.spec) for stage in stages}
    return {(recipe.name, recipe.seed): key for key, recipe in recipes.items()}


def test_a_piece_has_the_keys_of_the_whole(content: dict[str, Any]) -> None:
    whole, piece = students(content), students(content, training_seeds=[0, 2])
    assert {seed for _, seed in piece} == {0, 2}
    assert piece.items() < whole.items()
    assert students(content, training_seeds=[0, 1, 2]) == whole
    (last,) = students(content, training_seeds=2).items()
    assert last[0] == ("one", 2)


def test_only_so_many_seeds_have_students_between_them_and_their_base(content: dict[str, Any]) -> None:
    between = {place for place in students(content) if "of the way" in place[0]}
    assert between == {("one, 0.5 of the way", 0)}
    every = content["students"] | {"one": content["students"]["one"] | {"interpolate_seeds": None}}
    assert len([name for name, _ in students(content, students=every) if "of the way" in name]) == 3


def test_an_exam_asks_as_many_documents_as_its_group_is_given(content: dict[str, Any]) -> None:
    exams = [ExamSpec.model_validate(stage.spec) for stage in plan(matrix(content)).of_kind("exam")]
    assert {(suite.group, suite.limit) for exam in exams for suite in exam.suites} == {("id", 2), ("form", None)}
    assert {(exam.limit, exam.max_new_tokens) for exam in exams} == {(5, None)}
    plain = content["exams"] | {"limits": {}, "max_new_tokens": EXAM_TOKENS}
    (stage, *_) = plan(matrix(content, exams=plain)).of_kind("exam")
    assert "limit" not in stage.spec["suites"][0], "so that plans of before keep their keys"


def test_development_answers_have_a_cap_of_their_own_where_suites_have_theirs(content: dict[str, Any]) -> None:
    stages = plan(matrix(content)).of_kind("student")
    assert {stage.spec["max_new_tokens"] for stage in stages} == {EXAM_TOKENS}
    alone = plan(matrix({name: value for name, value in content.items() if name != "exams"}))
    assert {s.key for s in alone.of_kind("student")} == {s.key for s in stages}, "an exam decides nothing of a student"


def test_a_limit_of_a_group_that_is_not_asked_is_refused(content: dict[str, Any]) -> None:
    wrong = content["exams"] | {"limits": {"ood": 2}}
    with pytest.raises(ValueError, match=r"exams\.limits: expected some of id, form, got 'ood'; add it there"):
        matrix(content, exams=wrong)
