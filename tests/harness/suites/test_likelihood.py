"""Choices and right answers by likelihood: the numbers are lm-eval's own, of its own multiple-choice tasks."""

import math
from pathlib import Path
from typing import Any

import lm_eval
import lm_eval.models
import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from offbook.engine.students.corpus import instruct
from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.likelihood import (
    choice_context,
    choice_scores,
    encoded,
    gold_nll,
    rationale_context,
)
from offbook.harness.suites.requests import Asked, ask
from offbook.harness.suites.suite import find_suites
from offbook.tasks.choice_question import LEAD, ChoiceQuestion, choice_question
from tests.harness.suites.test_task_mistakes import write
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

ROWS = [
    {"question": "Which comes last?", "choices": ["one", "two", "three hundred"], "answer": "two", "gold": 1},
    {"question": "The opposite of hot?", "choices": ["cold", "cool", "co"], "answer": "co", "gold": 2},
    {"question": "Ann is?", "choices": ["old", "a very young child", "ä"], "answer": "old", "gold": 0},
    {"question": "More?", "choices": ["7", "71", "712"], "answer": "712", "gold": 2},
]
TASK = {
    "task": "mine",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "!function utils.ask",
    "doc_to_choice": "choices",
    "doc_to_target": "{{gold}}",
    "gen_prefix": LEAD,
    "metric_list": [
        {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")
    ],
}
CODE = "from offbook.engine.students.corpus import instruct\n\n\ndef ask(doc):\n    return instruct(doc['question'])\n"


@pytest.fixture(scope="module", params=[True, False], ids=["chat template", "bare prompts"])
def chat(request: Any) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def target(chat: bool, tmp_path_factory: pytest.TempPathFactory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("likelihood") / "tiny", chat=chat)))


@pytest.fixture(scope="module")
def theirs(chat: bool) -> HFLM:
    return HFLM(
        pretrained=tiny_model(), tokenizer=tiny_tokenizer(chat=chat), batch_size=1, device="cpu", max_length=512
    )


def prompt_of(target: Target, question: str) -> str:
    if not target.has_chat_template:
        return instruct(question)
    return target.render_chat([{"role": "user", "content": instruct(question)}])


def scored(target: Target, row: dict[str, Any], answer: str = "") -> ChoiceScores:
    question = choice_question(row)
    assert question is not None
    chat = target.has_chat_template
    return choice_scores(
        target.backbone,
        lambda text: target.encode(text, templated=chat),
        question,
        prompt=prompt_of(target, row["question"]),
        templated=chat,
        answer=answer,
    )


def test_choices_are_scored_as_lm_evals_multiple_choice_scores_them(
    target: Target, theirs: HFLM, chat: bool, tmp_path: Path
) -> None:
    folder = write(tmp_path / "tasks", TASK, rows=ROWS, code=CODE)
    outcome = lm_eval.simple_evaluate(
        theirs,
        tasks=["mine"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
        apply_chat_template=chat,
        fewshot_as_multiturn=chat,
        log_samples=True,
    )
    samples = sorted(outcome["samples"]["mine"], key=lambda sample: sample["doc_id"])
    ours = [scored(target, row) for row in ROWS]
    assert [float(each.right_by_likelihood) for each in ours] == [sample["acc"] for sample in samples]
    assert [float(each.right_by_character) for each in ours] == [sample["acc_norm"] for sample in samples]
    for each, sample in zip(ours, samples, strict=True):
        likelihoods = [float(response[0]) for response in sample["filtered_resps"]]
        assert each.loglikelihoods == pytest.approx(likelihoods, rel=1e-4, abs=1e-4)


def test_contexts_are_lm_evals_own(target: Target, theirs: HFLM, chat: bool) -> None:
    question = ChoiceQuestion(question="Who?", kind="option", choices=("Ann", "Bob"), right=0)
    context = choice_context(question, prompt_of(target, "Who?"), chat)
    pairs = [(context, continuation) for continuation in question.continuations]
    requests = [Instance("loglikelihood", {}, pair, i, ("task", i, 1)) for i, pair in enumerate(pairs)]
    wanted = [value for value, _ in theirs.loglikelihood(requests, disable_tqdm=True)]
    found = scored(target, {"question": "Who?", "choices": ["Ann", "Bob"], "answer": "Ann"})
    assert found.loglikelihoods == pytest.approx(wanted, rel=1e-4)
    assert context.endswith(LEAD)


def test_the_right_answer_is_scored_behind_the_answers_own_rationale(target: Target, theirs: HFLM, chat: bool) -> None:
    prompt, answer = prompt_of(target, "2 + 2?"), "Two and two.\nThe answer is 5."
    found = gold_nll(
        target.backbone,
        lambda text: target.encode(text, templated=chat),
        "4",
        prompt=prompt,
        templated=chat,
        answer=answer,
    )
    pair = (f"{prompt}Two and two.\n{LEAD}", " 4")
    ((wanted, _),) = theirs.loglikelihood([Instance("loglikelihood", {}, pair, 0, ("task", 0, 1))], disable_tqdm=True)
    assert found == pytest.approx(-wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("answer", "rationale"),
    [
        ("First this.\nThe answer is 7.", "First this.\n"),
        ("The answer is 3? No. So the answer is 7.", "The answer is 3? No. So\n"),
        ("It is cut off", "It is cut off\n"),
        ("It ends in space \n\n", "It ends in space\n"),
        ("The answer is 7.", ""),
        ("", ""),
    ],
)
def test_a_rationale_is_what_stands_before_the_last_answer_line(answer: str, rationale: str) -> None:
    assert rationale_context("<user>Q<assistant>", answer, templated=True) == f"<user>Q<assistant>{rationale}{LEAD}"


def test_a_bare_prompt_is_parted_from_the_line() -> None:
    question = ChoiceQuestion(question="Q", kind="option", choices=("a", "b"), right=0)
    assert choice_context(question, "Q: why?", templated=False) == f"Q: why? {LEAD}"
    assert choice_context(question, "Q: why?\n", templated=False) == f"Q: why?\n{LEAD}"


def test_the_mass_of_choices_is_the_probability_that_one_of_them_comes(target: Target) -> None:
    apart = scored(target, ROWS[0])
    assert apart.mass == pytest.approx(sum(math.exp(value) for value in apart.loglikelihoods), rel=1e-6)
    nested = scored(target, ROWS[3])
    assert nested.mass == pytest.approx(math.exp(nested.loglikelihoods[0]), rel=1e-6), "7 begins 71 and 712"


def test_what_the_answer_names_stands_beside(target: Target) -> None:
    assert scored(target, ROWS[0], "The answer is three hundred.").named == 2
    assert scored(target, ROWS[0], "The answer is 15.").named is None
    assert scored(target, ROWS[0]).characters == (3, 3, 13)


def test_a_continuation_is_what_the_whole_text_has_behind_its_context(target: Target) -> None:
    tokens, (continuation,) = encoded(lambda text: target.encode(text, templated=True), "The answer is", [" 4"])
    assert target.encode("The answer is 4", templated=True) == [*tokens, *continuation]


@pytest.fixture(scope="module")
def dates(target: Target) -> Asked:
    (suite,) = find_suites(["procedural_dates"])
    return ask(suite, target, limit=4, chat_template=target.has_chat_template)


def test_an_open_questions_choices_are_scored_and_not_counted_among_those_it_names(
    target: Target, tmp_path: Path
) -> None:
    open_row = ROWS[0] | {"listed": False}
    assert not scored(target, open_row).listed
    task = {
        **{key: value for key, value in TASK.items() if key not in ("doc_to_choice", "gen_prefix")},
        "task": "offbook_mine",
        "output_type": "generate_until",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": [], "max_gen_toks": 4},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    folder = write(tmp_path / "tasks", task, rows=[open_row, ROWS[0] | {"listed": True}], code=CODE)
    (suite,) = find_suites(["offbook_mine"], include_path=folder)
    requests = ask(suite, target, chat_template=target.has_chat_template).requests
    assert [(request.choices, request.question.listed) for request in requests if request.question] == [
        (0, False),
        (3, True),
    ]


def test_requests_know_their_questions_and_right_answers(target: Target, dates: Asked) -> None:
    documents = list(dates.suite.task().eval_docs)
    for request, doc in zip(dates.requests, documents, strict=False):
        assert request.question == choice_question(doc)
        assert (request.gold, request.choices) == ("", len(doc["choices"]))
    (suite,) = find_suites(["procedural_shopping"])
    (request,) = ask(suite, target, limit=1, chat_template=target.has_chat_template).requests
    assert (request.question, request.choices) == (None, 0)
    assert request.gold == next(iter(suite.task().eval_docs))["answer"]
