"""The forgetting suites: a task for every family and wording, two groups, scored as `documents` says."""

from typing import Any

import pytest
from lm_eval.tasks import TaskManager

from offbook.engine.students.corpus import ANSWER_LINE
from offbook.tasks import TASKS_PATH
from offbook.tasks.choice_question import choice_question
from offbook.tasks.forgetting.documents import READ, REPLAY, WORDINGS, documents, prompt
from offbook.tasks.suite_names import suite_names

PREFIX = "offbook_forgetting_"
GROUPS = {"offbook_forgetting": READ, "offbook_forgetting_replay": REPLAY}
CASES = [(family, wording) for family in (*REPLAY, *READ) for wording in WORDINGS]
CAPS = {"instructed": 256, "plain": 96}


def name_of(family: str, wording: str) -> str:
    return f"{PREFIX}{family}{'_plain' if wording == 'plain' else ''}"


@pytest.fixture(scope="module")
def manager() -> Any:
    return TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False)


@pytest.mark.parametrize(("group", "families"), GROUPS.items())
def test_a_group_holds_its_families_in_both_wordings(manager: Any, group: str, families: tuple[str, ...]) -> None:
    expected = {name_of(family, wording) for family in families for wording in WORDINGS}
    assert set(manager.load(group)["tasks"]) == expected
    assert {name.removeprefix("offbook_") for name in expected} <= set(suite_names())


@pytest.mark.parametrize(("family", "wording"), CASES)
def test_a_task_asks_the_documents_of_its_family_in_its_wording(manager: Any, family: str, wording: str) -> None:
    name = name_of(family, wording)
    task = manager.load(name)["tasks"][name]
    assert list(task.test_docs()) == list(task.eval_docs) == documents(family, wording, "test")
    assert list(task.validation_docs()) == documents(family, wording, "dev")
    assert [task.doc_to_text(doc) for doc in task.eval_docs] == [prompt(doc) for doc in task.eval_docs]
    assert task.config.generation_kwargs == {"until": [], "do_sample": False, "max_gen_toks": CAPS[wording]}


@pytest.mark.parametrize(("family", "wording"), CASES)
def test_a_task_scores_the_right_answer_alone_and_its_documents_can_be_scored_by_likelihood(
    manager: Any, family: str, wording: str
) -> None:
    name = name_of(family, wording)
    task = manager.load(name)["tasks"][name]
    for doc in task.eval_docs:
        question = choice_question(doc)
        assert question is not None
        assert (question.choices, question.right) == (tuple(doc["choices"]), doc["right"])
        for choice in doc["choices"]:
            scores = task.process_results(doc, [f"Let me see.\n{ANSWER_LINE.format(answer=choice)}"])
            assert scores == {"acc": float(choice == doc["answer"])}
