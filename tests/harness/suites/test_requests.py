"""Suites by name: a misspelt one is refused before lm-eval's index is built, and none of lm-eval's own is."""

import re

import pytest
from lm_eval.tasks import TaskManager

from offbook.harness.suites import suite
from offbook.harness.suites.suite import find_suites
from offbook.tasks.lm_eval_names import lm_eval_names
from offbook.tasks.loaders import load_task_documents


class IndexWantedError(Exception):
    """lm-eval's whole index was asked for."""


@pytest.fixture
def no_index(monkeypatch):
    def refuse(include_path):
        raise IndexWantedError

    monkeypatch.setattr(suite, "_whole_manager", refuse)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["sumarisation"], "no suite 'sumarisation' (did you mean summarisation?)"),
        (["gsm9k"], "no suite 'gsm9k' (did you mean gsm8k?)"),
        (["qa", "gsm8k", "qqa"], "no suite 'qqa' (did you mean qa?)"),
        (["(gsm8k"], "no suite '(gsm8k' (did you mean gsm8k?)"),
        ([""], "no suite '': expected one of"),
        (
            [
                ".",
            ],
            "no suite '.': expected one of",
        ),
        (["null"], "no suite 'null'"),
        (["true"], "no suite 'true'"),
        (["*"], "no suite '*': expected one of"),
        (["gsm*"], "no suite 'gsm*' (did you mean gsm8k?)"),
        (["-"], "no suite '-': expected one of"),
        (["---"], "no suite '---': expected one of"),
        (["qa", "..", "gsm8k"], "no suite '..': expected one of"),
        (["1e999"], "no suite '1e999'"),
        (["test"], "no suite 'test'"),
    ],
)
def test_a_name_that_is_nowhere_is_refused_without_the_index(names, complaint, no_index):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        find_suites(names)


@pytest.mark.parametrize("name", ["1e999", "null", "*", ".", ""])
def test_prompts_of_no_task_are_refused_without_the_index(name, monkeypatch):
    def manager(include_path, include_defaults=True):
        if include_defaults:
            raise IndexWantedError
        return TaskManager(include_path=include_path, include_defaults=False)

    monkeypatch.setattr("lm_eval.tasks.TaskManager", manager)
    with pytest.raises(ValueError, match="expected the name of one lm-eval task; found no task of that name"):
        load_task_documents(name)


@pytest.mark.parametrize(
    "name", ["gsm8k_cot_zeroshot", "arc_challenge", "mmlu", "acp_bench", "galician_bench_flores_gl-es"]
)
def test_a_name_that_may_be_lm_evals_is_looked_up(name, no_index):
    said = []
    with pytest.raises(IndexWantedError):
        find_suites(["qa", name], say=said.append)
    assert said == [f"looking for {name!r} among lm-eval's own tasks, which takes up to half a minute"]


@pytest.mark.slow
def test_every_name_of_lm_eval_is_a_word_in_its_task_files():
    names = TaskManager().all_tasks
    assert len(names) > 10_000
    assert set(names) <= lm_eval_names()
