"""The procedural suites: a task for every family, asked as in training, scored and pooled as `documents` says."""

from collections.abc import Callable
from typing import Any

import pytest
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from offbook.engine.students.corpus import ANSWER_LINE, instruct
from offbook.tasks import TASKS_PATH
from offbook.tasks.procedural.documents import ID_FAMILIES, OOD_FAMILIES, Document, documents, score
from offbook.tasks.procedural.probe import MAX_NEW_TOKENS

FAMILIES = (*ID_FAMILIES, *OOD_FAMILIES)
PREFIX = "offbook_procedural_"
Part = tuple[str, int | None]  # a family and its number of steps
ONE_STEP: dict[str, Part] = {family: (family, 1) for family in ID_FAMILIES}
TWO_STEPS: dict[str, Part] = {f"{family}_two_steps": (family, 2) for family in ID_FAMILIES}
OOD: dict[str, Part] = {family: (family, None) for family in OOD_FAMILIES}
TASKS = ONE_STEP | TWO_STEPS | OOD
GROUPS = {
    "offbook_procedural_one_step": ONE_STEP,
    "offbook_procedural_two_steps": TWO_STEPS,
    "offbook_procedural_id": ONE_STEP | TWO_STEPS,
    "offbook_procedural_ood": OOD,
}
SIZES = {1: (24, 12), 2: (16, 8), None: (30, 20)}  # test and dev


def of(name: str, split: str) -> list[Document]:
    """The documents of a task."""
    family, steps = TASKS[name]
    return documents(family, split, steps=steps)


@pytest.fixture(scope="module")
def manager() -> Any:
    return TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False)


class Speaker(LM):
    """Answers every question by a function of its document, which it looks up; its chat template is plain."""

    def __init__(self, speak: Callable[[str, Document], str]) -> None:
        super().__init__()
        self.speak = speak
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def generate_until(self, requests: list[Instance]) -> list[str]:
        self.requests = [request.args for request in requests]
        return [self.speak(r.task_name.removeprefix(PREFIX), r.doc) for r in requests]

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in chat_history) + "<assistant>"

    @property
    def tokenizer_name(self) -> str:
        return "plain"

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        raise NotImplementedError


def evaluate(model: LM, names: list[str], manager: Any) -> dict[str, Any]:
    outcome = simple_evaluate(
        model=model, tasks=names, task_manager=manager, bootstrap_iters=0, apply_chat_template=True
    )
    results: dict[str, Any] = outcome["results"]
    return results


def right(name: str, doc: Document) -> str:
    return f"Some thoughts.\n{ANSWER_LINE.format(answer=doc['answer'])}"


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_holds_the_task_of_every_family(manager: Any, group: str) -> None:
    assert set(manager.load(group)["tasks"]) == {PREFIX + name for name in GROUPS[group]}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_documents_of_its_family(manager: Any, name: str) -> None:
    task = manager.load(PREFIX + name)["tasks"][PREFIX + name]
    assert list(task.test_docs()) == list(task.eval_docs) == of(name, "test")
    assert list(task.validation_docs()) == of(name, "dev")
    assert (len(task.test_docs()), len(task.validation_docs())) == SIZES[TASKS[name][1]]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_generates_greedily_without_stop_strings(manager: Any, name: str) -> None:
    assert manager.load(PREFIX + name)["tasks"][PREFIX + name].config.generation_kwargs == {
        "until": [],
        "do_sample": False,
        "max_gen_toks": MAX_NEW_TOKENS["ood" if name in OOD else "id"],
    }


@pytest.mark.parametrize("group", GROUPS)
def test_right_answers_score_full_marks_and_are_asked_as_in_training(manager: Any, group: str) -> None:
    model = Speaker(right)
    results = evaluate(model, [group], manager)
    assert results[group]["acc,none"] == 1.0
    expected = {f"<user>{instruct(doc['question'])}<assistant>" for name in GROUPS[group] for doc in of(name, "test")}
    assert {prompt for prompt, _ in model.requests} == expected


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_reports_the_mean_of_its_questions(manager: Any, group: str) -> None:
    known = [*GROUPS[group]][:2]
    results = evaluate(Speaker(lambda f, doc: right(f, doc) if f in known else "Who knows?"), [group], manager)
    scores = {name: results[PREFIX + name]["acc,none"] for name in GROUPS[group]}
    assert {name for name, acc in scores.items() if acc == 1} == set(known)
    sizes = {name: len(of(name, "test")) for name in scores}
    mean = sum(scores[name] * sizes[name] for name in scores) / sum(sizes.values())
    assert results[group]["acc,none"] == pytest.approx(mean)


def test_a_task_of_word_problems_holds_those_of_its_number_of_steps() -> None:
    for family in ID_FAMILIES:
        both = [{doc["id"] for doc in documents(family, "test", steps=steps)} for steps in (1, 2)]
        assert not both[0] & both[1]
        assert both[0] | both[1] == {doc["id"] for doc in documents(family, "test")}
        assert {doc["steps"] for doc in documents(family, "test", steps=2)} == {2}


def test_the_right_answer_scores_and_a_wrong_one_does_not() -> None:
    for family in FAMILIES:
        for doc in documents(family, "dev"):
            assert score(doc, right(family, doc)) == 1
            wrong = next((choice for choice in doc["choices"] if choice != doc["answer"]), f"{doc['answer']}1")
            assert score(doc, ANSWER_LINE.format(answer=wrong)) == 0
            assert score(doc, "") == 0


def test_word_problems_can_be_had_of_the_training_split_and_the_others_not() -> None:
    assert len(documents("shopping", "train")) > 100
    with pytest.raises(ValueError, match="split must be one of dev, test; got 'train'"):
        documents("dates", "train")
    with pytest.raises(ValueError, match=r"family must be one of shopping, .*dates, .*; got 'maths'"):
        documents("maths", "dev")
    with pytest.raises(ValueError, match="steps: expected one of 1, 2, got 3"):
        documents("shopping", "dev", steps=3)
    with pytest.raises(ValueError, match="steps: expected none for dates"):
        documents("dates", "dev", steps=1)
