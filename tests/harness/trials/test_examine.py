import pytest

from offbook.engine.decoding.batch import BatchAnswer
from offbook.engine.progress import Silent
from offbook.harness.records.store import Store
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.paper import Paper, set_paper
from offbook.tasks.procedural.documents import documents
from tests.tiny import save_tiny

NAMES = ("shopping", "dates")


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("examine") / "tiny")))


@pytest.fixture(scope="module")
def paper(target) -> Paper:
    groups = {group: find_suites([f"procedural_{name}"]) for group, name in zip(("id", "ood"), NAMES, strict=True)}
    return set_paper(groups, target, limit=5, max_new_tokens=12, batch_size=3)


def untouched(paper, target):
    return exam_spec(
        paper,
        model="tiny",
        base_sha256="ab",
        weights_sha256=target.weights_sha256,
        settings_sha256=None,
        dtype="float32",
    )


def test_the_paper_holds_every_suite_of_every_group(paper):
    assert [(s.name, s.group, s.n_docs) for s in paper.suites] == [
        ("offbook_procedural_shopping", "id", 5),
        ("offbook_procedural_dates", "ood", 5),
    ]


def test_every_document_gets_the_answer_to_its_own_question(paper, target, tmp_path, monkeypatch):
    """A model that answers from the prompt alone, whatever the order and the batches."""
    gold = {name: documents(name, "test", steps=steps)[:5] for name, steps in zip(NAMES, (1, None), strict=True)}
    right = {doc["question"]: doc["answer"] for docs in gold.values() for doc in docs[:4]}

    def answers(model, tokenizer, prompts, limits, *, on_answer, width, layout):
        texts = [tokenizer.decode(prompt) for prompt in prompts]
        said = [next((a for question, a in right.items() if question in text), "nothing") for text in texts]
        tokens = [[*tokenizer(f"The answer is {s}.")["input_ids"], tokenizer.eos_token_id] for s in said]
        for index in reversed(range(len(prompts))):
            on_answer(index, BatchAnswer(tokens[index], "eos"))

    monkeypatch.setattr("offbook.harness.trials.exam_answers.answer_all", answers)
    spec = untouched(paper, target)
    assert not Store(tmp_path).has(spec.key())
    right = examine(paper, target, spec, None, tmp_path, Silent()).right()
    assert sum(right) / len(right) == pytest.approx(0.8)
    assert Store(tmp_path).has(spec.key())
    (exam,) = Store(tmp_path).exams()
    wrong = {(row.suite, row.doc_id) for row in exam.rows if row.score == 0}
    assert wrong == {(f"offbook_procedural_{name}", 4) for name in NAMES}
    assert all(row.finished for row in exam.rows)
    assert set(exam.record.metrics.values()) == {"acc"}
    told = {(row.suite, row.doc_id): (row.cluster, row.choices) for row in exam.rows}
    assert told == {
        (f"offbook_procedural_{name}", i): (doc["cluster"], len(doc["choices"]))
        for name, docs in gold.items()
        for i, doc in enumerate(docs)
    }
    assert len({cluster for cluster, _ in told.values()}) < len(told)
    assert {choices for _, choices in told.values()} == {0, 3}


def test_an_answer_that_hits_the_cap_is_not_finished(paper, target, tmp_path):
    examine(paper, target, untouched(paper, target), None, tmp_path, Silent())
    (exam,) = Store(tmp_path).exams()
    assert all(row.tokens <= 12 for row in exam.rows)
    assert all(row.finished == (row.tokens < 12) for row in exam.rows if row.tokens < 12)
    assert any(not row.finished for row in exam.rows)


def test_batches_and_one_by_one_agree_on_a_model_in_double_precision(tmp_path_factory, tmp_path):
    target = load_target(str(save_tiny(tmp_path_factory.mktemp("double") / "tiny")), dtype="float64")
    groups = {"id": find_suites(["procedural_shopping"])}
    texts = []
    for size in (1, 4):
        paper = set_paper(groups, target, limit=4, max_new_tokens=10, batch_size=size)
        spec = exam_spec(
            paper,
            model="tiny",
            base_sha256="ab",
            weights_sha256=target.weights_sha256,
            settings_sha256=None,
            dtype="float64",
        )
        examine(paper, target, spec, None, tmp_path / str(size), Silent())
        texts.append([row.text for row in Store(tmp_path / str(size)).exams()[0].rows])
    assert texts[0] == texts[1]
