"""Refused before a model answers: documents that do not fit, metrics that are no number, tasks that cannot score."""

import json
import re

import numpy as np
import pytest
import torch

from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import load_target
from offbook.harness.suites.rehearsal import check_metric
from offbook.harness.suites.requests import ask
from offbook.harness.suites.scoring import number, score
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials import decoding
from offbook.harness.trials.heat import plan_heat
from offbook.harness.trials.paper import set_paper
from offbook.tasks.blame import TaskError
from tests.harness.suites.test_task_mistakes import GOOD, PROCESS, ROWS, evaluate, write

MANY = [{"question": f"What is {n} + {n}?", "answer": str(n + n)} for n in range(20)]
LONG = {"question": "x" * 600, "answer": "0"}


@pytest.fixture
def no_answers(monkeypatch):
    """Nobody decodes."""

    def refuse(*arguments, **settings):
        pytest.fail("a model worked before the suite was refused")

    monkeypatch.setattr(decoding._Watch, "generate", refuse)


@pytest.fixture
def answers_counted(monkeypatch):
    """How many answers were decoded."""
    counted = []
    generate = decoding._Watch.generate

    def count(*arguments, **settings):
        counted.append(arguments[2])
        return generate(*arguments, **settings)

    monkeypatch.setattr(decoding._Watch, "generate", count)
    return counted


def judged(code: str) -> dict:
    """A task that scores by this function."""
    return {"task": PROCESS, "rows": ROWS, "code": f"def judge(doc, results):\n    {code}\n"}


def prepared(code: str) -> dict:
    """A task that prepares its documents by this function, which knows how often they were."""
    code = f"import itertools\n\nBUILT = itertools.count()\n\n\ndef prepare(docs):\n    {code}\n"
    return {"task": GOOD | {"process_docs": "!function utils.prepare"}, "rows": ROWS, "code": code}


REFUSED = {
    "the last document too long": (
        {"task": GOOD, "rows": [*ROWS, LONG]},
        r"suite 'mine', document 3: expected prompt plus new tokens within the model's context of 512, got \d+ \+ 4",
    ),
    "a corpus metric": (
        {"task": GOOD | {"metric_list": [{"metric": "bleu"}]}, "rows": ROWS},
        r"suite 'mine': expected a metric with one number a document, got bleu = \[",
    ),
    "no number": (judged("return {'exact_match': results}"), r"one number a document, got exact_match = \["),
    "not a number": (judged("return {'exact_match': float('nan')}"), "one number a document, got exact_match = nan"),
    "a number without a name": (
        judged("return 0.5"),
        "lm-eval to score the right answer of document 0, got TypeError: process_results gave 0.5, expected numbers",
    ),
    "a list": (judged("return [1.0]"), r"got TypeError: process_results gave \[1.0\], expected numbers by metric"),
    "code that raises at the last document": (
        judged("return {'exact_match': {'0': 1.0, '2': 0.0}[doc['answer']]}"),
        r"expected lm-eval to score the right answer of document 2, got KeyError: '4' in utils.py, line 2; mend .*mine",
    ),
    "code that raises at the first document only": (
        judged("return {'exact_match': 1 / int(doc['answer'])}"),
        "the right answer of document 0, got ZeroDivisionError: division by zero in utils.py, line 2; mend .*mine.yaml",
    ),
    "NaN at a later document": (
        judged("return {'exact_match': float('nan') if doc['answer'] == '2' else 1.0}"),
        "one number for the right answer of document 1, as for the others, got exact_match = nan; mend .*mine.yaml",
    ),
    "None at a later document": (
        judged("return {'exact_match': None if doc['answer'] == '4' else 1.0}"),
        r"one number for the right answer of document 2, as for the others, got exact_match = None; mend .*mine\.yaml",
    ),
    "no metric at a later document": (
        judged("return {} if doc['answer'] == '4' else {'exact_match': 1.0}"),
        "one number for the right answer of document 2, as for the others, got none; mend .*mine.yaml",
    ),
    "another metric at a later document": (
        judged("return {'acc' if doc['answer'] == '4' else 'exact_match': 1.0}"),
        "one number for the right answer of document 2, as for the others, got acc = 1.0; mend .*mine.yaml",
    ),
    "no list of numbers by metric at a later document": (
        judged("return 1.0 if doc['answer'] == '4' else {'exact_match': 1.0}"),
        "the right answer of document 2, got TypeError: process_results gave 1.0, expected numbers by metric",
    ),
    "a filter that raises at a later document": (
        {
            "task": GOOD | {"filter_list": [{"name": "f", "filter": [{"function": "custom", "filter_fn": "!F"}]}]},
            "rows": ROWS,
            "code": "def strip(resps, docs):\n    return [[{'0': r, '2': r}[r] for r in rs] for rs in resps]\n",
        },
        "the right answer of document 2, got KeyError: '4' in utils.py, line 2; mend .*mine.yaml",
    ),
    "digits in quotes": (judged("return {'acc': '0.5'}"), "one number a document, got acc = '0.5'"),
    "words beside a number": (
        judged("return {'exact_match': 1.0, 'note': 'well done'}"),
        "got TypeError: process_results gave note = 'well done', of which lm-eval can take no mean; mend .*mine.yaml",
    ),
    "nothing beside a number": (
        judged("return {'exact_match': 1.0, 'note': None}"),
        "got TypeError: process_results gave note = None, of which lm-eval can take no mean; mend .*mine.yaml",
    ),
    "a metric named by a number": (
        judged("return {3: 1.0, 'exact_match': 1.0}"),
        "TypeError: process_results gave a metric named 3, expected names in quotes; mend .*mine.yaml",
    ),
    "a metric without a name at a later document": (
        judged("return {'exact_match': 1.0} | ({None: 1.0} if doc['answer'] == '4' else {})"),
        "document 2, got TypeError: process_results gave a metric named None, expected names in quotes; mend .*mine",
    ),
    "documents in another order each time": (
        prepared("return docs.shuffle(seed=next(BUILT))") | {"rows": MANY},
        r"expected the same documents each time .*, got another document \d+: seed .*mend .*mine.yaml",
    ),
    "documents with the time in them": (
        prepared("return docs.add_column('made', [next(BUILT)] * len(docs))"),
        "expected the same documents each time that its task is built, got another document 0: seed .*mend .*mine.yaml",
    ),
    "a filter that is none": (
        {"task": GOOD | {"filter_list": [{"name": "f", "filter": [{"function": "nofilter"}]}]}, "rows": ROWS},
        "suite 'mine': expected lm-eval to build it, got .*mine.yaml",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_suite_that_cannot_be_measured_is_refused_before_the_first_answer(
    case, tiny_folder, tmp_path, capsys, no_answers
):
    task, complaint = REFUSED[case]
    folder = write(tmp_path / "tasks", **task)
    file = folder / "mine.yaml"
    file.write_text(file.read_text().replace('"!F"', "!function utils.strip"))
    assert evaluate(tiny_folder, folder, tmp_path / "out", "--no-chat-template") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("offbook: error: suite 'mine'")
    assert re.search(complaint, last), last


def test_a_document_beyond_the_limit_is_not_rehearsed(tiny_folder, tmp_path):
    folder = write(tmp_path / "tasks", **judged("return {'exact_match': {'0': 1.0, '2': 0.0}[doc['answer']]}"))
    assert evaluate(tiny_folder, folder, tmp_path / "out", "--limit", "2") == 0


@pytest.mark.parametrize("answer", ["", "  ", None])
def test_documents_without_a_right_answer_are_left_undecided(answer, tiny_folder, tmp_path):
    rows = [*ROWS, {"question": "Why?", "answer": answer}]
    task = judged("return {'exact_match': float(len(results[0][0]) > 0)}") | {"rows": rows}
    task["task"] = task["task"] | {"doc_to_target": "{{answer or ''}}"}
    folder = write(tmp_path / "tasks", **task)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 0


def test_an_exam_is_refused_for_a_later_document_too(tiny_folder, tmp_path):
    folder = write(tmp_path / "tasks", **judged("return {'exact_match': {'0': 1.0, '2': 0.0}[doc['answer']]}"))
    suites = find_suites(["mine"], include_path=folder)
    with pytest.raises(TaskError, match="the right answer of document 2, got KeyError: '4'"):
        set_paper({"ood": suites}, load_target(tiny_folder), limit=None, max_new_tokens=4, batch_size=2)


def test_the_answers_of_a_suite_are_scored_on_one_task_built_once(tiny_folder, tmp_path, monkeypatch):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS * 20)
    (suite,) = find_suites(["mine"], include_path=folder)
    target = load_target(tiny_folder)
    asked = ask(suite, target)
    built = []
    task = type(suite).task
    monkeypatch.setattr(type(suite), "task", lambda suite: built.append(suite.name) or task(suite))
    assert check_metric(asked, target)
    assert built == ["mine"]


@pytest.mark.parametrize(
    "code", ["return {'exact_match': len(results[0][0])}", "return {'exact_match': 1 / len(results[0])}"]
)
def test_a_task_that_cannot_score_an_empty_answer_is_measured(code, tiny_folder, tmp_path):
    folder = write(tmp_path / "tasks", **judged(code))
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 0
    (rows,) = (tmp_path / "out" / "rows").glob("*.jsonl")
    assert all(json.loads(line)["scores"]["exact_match"] > 0 for line in rows.read_text().splitlines()[1:])


def test_a_task_that_scores_nothing_but_a_models_own_answers_is_measured(tiny_folder, tmp_path, answers_counted):
    code = "assert len(results[0]) >= 4\n    return {'exact_match': 1.0}"
    folder = write(
        tmp_path / "tasks",
        GOOD | {"process_results": "!function utils.judge", "generation_kwargs": {"until": [], "max_gen_toks": 8}},
        rows=[row | {"answer": "no"} for row in ROWS],
        code=f"def judge(doc, results):\n    {code}\n",
    )
    (suite,) = find_suites(["mine"], include_path=folder)
    target = load_target(tiny_folder)
    assert not check_metric(ask(suite, target), target)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 0
    assert len(answers_counted) == 2 + len(ROWS)


def test_a_task_that_scores_no_answer_is_refused_after_the_first(tiny_folder, tmp_path, capsys, answers_counted):
    folder = write(tmp_path / "tasks", **judged("return {'exact_match': accurracy}"))
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(
        r"score its answers, got NameError: name 'accurracy' is not defined in utils.py, line 2; mend", last
    )
    assert answers_counted == [0, 0], "the warming up, and one answer"


def test_the_cap_that_was_asked_for_counts_when_prompts_are_fitted(tiny_folder, tmp_path, no_answers):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    (suite,) = find_suites(["mine"], include_path=folder)
    target = load_target(tiny_folder)
    arms = build_arms(target, ["autoregressive"])
    with pytest.raises(
        ValueError, match=r"suite 'mine', document 0: .* within the model's context of 512, got \d+ \+ 500"
    ):
        plan_heat(target, arms, suite, max_new_tokens=500)


def test_what_scores_an_answer_only_by_a_metric_without_a_name_is_refused_with_the_suite(tiny_folder, tmp_path):
    write(tmp_path / "tasks", **judged("return {'exact_match': 1.0} if results[0] == doc['answer'] else {3: 1.0}"))
    (suite,) = find_suites(["mine"], include_path=tmp_path / "tasks")
    target = load_target(tiny_folder)
    asked = ask(suite, target, chat_template=False)
    assert check_metric(asked, target)
    with pytest.raises(
        TaskError, match=r"suite 'mine': .*a metric named 3, expected names in quotes; mend .*mine.yaml"
    ):
        score(asked, target, dict.fromkeys(range(3), "wrong"))


@pytest.mark.parametrize("value", [np.float32(0.5), np.bool_(False), torch.tensor(0.5), True, 1, 0.25])
def test_scalars_of_every_library_are_numbers(value):
    assert number(value) == float(value)


@pytest.mark.parametrize("value", ["0.5", b"1", bytearray(b"2"), "nan", None, [1.0], float("inf")])
def test_what_has_no_mean_is_no_number(value):
    assert number(value) is None
