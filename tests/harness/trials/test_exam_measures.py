"""Beside its answers an exam measures choices and right answers by likelihood, and a student's way from its base."""

import pytest

from offbook.engine.progress import Silent
from offbook.engine.students.corpus import save_corpus
from offbook.harness.artifacts.folders import tables_folder
from offbook.harness.matrix import making
from offbook.harness.matrix.plan import plan
from offbook.harness.records.exam import MEASURES, Exam
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.likelihood import choice_scores, gold_nll
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials import exam as exams
from offbook.harness.trials import exam_answers
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.paper import Paper, set_paper
from offbook.tasks.generic_text import TEXTS
from offbook.tasks.procedural import generate
from offbook.tasks.rationales.procedural_teacher import corpus
from tests.doubles import KilledError
from tests.matrices import matrix
from tests.tiny import save_tiny

TRAINING = {
    "gradient_tokens": 300,
    "questions_per_step": 2,
    "evaluations": 1,
    "max_length": 4096,
    "learning_rate": 1e-3,
}


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("measures") / "tiny")))


@pytest.fixture(scope="module")
def paper(target) -> Paper:
    groups = {"id": find_suites(["procedural_shopping"]), "ood": find_suites(["procedural_dates", "procedural_logic"])}
    return set_paper(groups, target, limit=3, max_new_tokens=8, batch_size=4)


def sit(paper: Paper, target: Target, folder) -> Exam:
    spec = exam_spec(
        paper,
        model="tiny",
        base_sha256="ab",
        weights_sha256=target.weights_sha256,
        settings_sha256=None,
        dtype="float32",
    )
    return examine(paper, target, spec, None, folder, Silent())


def test_every_question_with_choices_has_their_scores_and_every_other_in_distribution_its_right_answers(
    paper, target, tmp_path
):
    exam = sit(paper, target, tmp_path)
    assert exam.record.spec.measures == MEASURES
    assert exam.record.divergence == (), "the untouched model is no student"
    rows = {(row.suite, row.doc_id): row for row in exam.rows}
    asked = {(a.suite.name, r.doc_id): r for a in paper.asked for r in a.requests}
    assert rows.keys() == asked.keys()
    for name, request in asked.items():
        row, given = rows[name], {"prompt": request.prompt, "templated": True, "answer": rows[name].text}
        if request.question is None:
            assert name[0] == "offbook_procedural_shopping"
            assert row.by_choice is None
            wanted = gold_nll(target.backbone, lambda t: target.encode(t, templated=True), request.gold, **given)
            assert row.gold_nll == pytest.approx(wanted)
        else:
            assert row.gold_nll is None
            assert row.by_choice == choice_scores(
                target.backbone, lambda t: target.encode(t, templated=True), request.question, **given
            )
            assert row.score == float(row.by_choice.named == row.by_choice.right)
    assert len(whole(Store(tmp_path)).exams) == 1


def test_a_process_killed_while_it_measures_generates_nothing_again(paper, target, tmp_path, monkeypatch):
    def die(*_):
        raise KilledError

    with monkeypatch.context() as killed:
        killed.setattr(exams, "measure", die)
        with pytest.raises(KilledError):
            sit(paper, target, tmp_path)
    assert len(list((tmp_path / "unscored").iterdir())) == 1
    monkeypatch.setattr(exam_answers, "answer_all", lambda *_, **__: pytest.fail("an answer was generated again"))
    exam = sit(paper, target, tmp_path)
    assert sum(row.by_choice is not None for row in exam.rows) == 6
    assert not (tmp_path / "unscored").exists()


def test_an_exam_whose_measures_are_others_is_another_exam_of_the_same_answers(paper, target):
    spec = exam_spec(
        paper, model="t", base_sha256="a", weights_sha256="b", settings_sha256=None, dtype="float32", student=None
    )
    older = spec.model_copy(update={"measures": None})
    assert spec.key() != older.key()
    assert (spec.setting(), spec.rerun()) == (older.setting(), older.rerun())
    prompts = {name: [1, 2] for name, _ in paper.questions()}
    assert exam_answers.answers_key(paper, target, spec, prompts) == exam_answers.answers_key(
        paper, target, older, prompts
    )


def test_a_choice_that_does_not_fit_behind_its_prompt_is_refused_before_anything_is_answered(target, tmp_path):
    suites = find_suites(["procedural_dates"])
    wide = set_paper({"ood": suites}, target, limit=None, max_new_tokens=1, batch_size=1)
    longest = max(len(target.encode(request.prompt, templated=True)) for _, request in wide.questions())
    short = load_target(str(save_tiny(tmp_path / "tiny", max_position_embeddings=longest + 1)))
    with pytest.raises(ValueError, match=r"suite 'offbook_procedural_dates', document \d+ with its right answer"):
        set_paper({"ood": suites}, short, limit=None, max_new_tokens=1, batch_size=1)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """An untouched model and a student of it, made and examined as a plan does it."""
    folder = tmp_path_factory.mktemp("run")
    save_corpus(folder / "corpus.jsonl", corpus(generate("train", "shopping", 9)))
    content = {
        "models": {str(save_tiny(folder / "tiny")): {}},
        "students": {"single": {"method": "single_rationale"}},
        "training": TRAINING,
        "corpus": {"source": str(folder / "corpus.jsonl"), "questions": 3, "dev_questions": 2},
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }
    making.session.cache_clear()
    for stage in plan(matrix(content)).stages:
        getattr(making, stage.kind)(stage, folder, Silent(), device="cpu")
    making.session.cache_clear()
    return folder


def test_a_student_is_held_against_its_base_on_generic_texts_and_on_task_prompts(run_folder):
    found = {exam.record.spec.student.name: exam.record for exam in Store(run_folder).exams()}
    assert found["untouched"].divergence == ()
    texts = found["single"].divergence
    assert {text.id for text in texts if text.kind == "generic"} == set(TEXTS)
    assert sum(text.kind == "task" for text in texts) == 2
    assert all(text.tokens <= 8 for text in texts if text.kind == "task")
    assert sum(text.nats for text in texts) > 0
    assert len(list(tables_folder(run_folder).glob("reference-*.safetensors"))) == 1


def test_the_same_plan_measures_nothing_twice(run_folder, monkeypatch):
    monkeypatch.setattr(exams, "measure", lambda *_: pytest.fail("measured again"))
    before = [exam.record.key for exam in Store(run_folder).exams()]
    content = run_folder / "corpus.jsonl"
    stages = plan(
        matrix(
            {
                "models": {str(run_folder / "tiny"): {}},
                "students": {"single": {"method": "single_rationale"}},
                "training": TRAINING,
                "corpus": {"source": str(content), "questions": 3, "dev_questions": 2},
                "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
            }
        )
    ).of_kind("exam")
    for stage in stages:
        making.exam(stage, run_folder, Silent(), device="cpu")
    making.session.cache_clear()
    assert [exam.record.key for exam in Store(run_folder).exams()] == before
