"""The scores of code through lm-eval: by what it does where it can be run safely, not at all where it cannot."""

from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.requests import Asked, ask
from offbook.harness.suites.scoring import main_metric, not_scored, score
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.student_comparisons import comparisons_table
from offbook.harness.tables.students import students_table
from offbook.harness.tables.students_markdown import to_markdown
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.paper import set_paper
from offbook.tasks.prompts import sandbox
from tests.tiny import save_tiny

RIGHT = "```python\ndef count_vowels(text):\n    return sum(letter in 'aeiouAEIOU' for letter in text)\n```"
WRONG = "```python\ndef is_leap_year(year):\n    return year == 40000\n```"
REASON = "the sandbox needs Linux, this is plan9"
sealed = pytest.mark.skipif(bool(sandbox.unavailable()), reason=sandbox.unavailable() or "there is a sandbox")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("code") / "tiny")))


@pytest.fixture(scope="module")
def asked(target: Target) -> Asked:
    (suite,) = find_suites(["code"])
    return ask(suite, target, limit=2)


@sealed
def test_code_is_scored_by_what_it_does(asked: Asked, target: Target) -> None:
    scores = score(asked, target, {0: RIGHT, 1: WRONG})
    assert scores == {0: {"acc": 1.0, "defined": 1.0}, 1: {"acc": 0.0, "defined": 1.0}}
    assert main_metric(scores, "offbook_code") == "acc"
    assert not_scored("offbook_code", "acc") == ""


def test_without_a_sandbox_the_suite_has_no_accuracy_but_a_reason(
    asked: Asked, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "unavailable", lambda: REASON)
    scores = score(asked, target, {0: RIGHT, 1: "no code"})
    assert scores == {0: {"defined": 1.0}, 1: {"defined": 0.0}}
    assert main_metric(scores, "offbook_code") == "defined"
    assert not_scored("offbook_code", "defined") == REASON
    assert not_scored("offbook_chat", "answered") == ""


def test_one_document_that_could_not_be_run_takes_the_accuracy_from_its_suite() -> None:
    mixed = {0: {"acc": 1.0, "defined": 1.0}, 1: {"defined": 1.0}}
    assert main_metric(mixed, "offbook_code") == "defined"
    assert not_scored("offbook_code", "defined")


def test_the_tables_of_an_exam_say_why_code_was_not_scored(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "unavailable", lambda: REASON)
    groups = {"id": find_suites(["code"]), "ood": find_suites(["procedural_dates"])}
    paper = set_paper(groups, target, limit=2, max_new_tokens=4, batch_size=4)
    spec = exam_spec(
        paper,
        model="tiny",
        base_sha256="ab",
        weights_sha256=target.weights_sha256,
        settings_sha256=None,
        dtype="float32",
    )
    exam = examine(paper, target, spec, None, tmp_path, Silent())
    assert exam.record.metrics["offbook_code"] == "defined"
    assert exam.record.manifest["not_scored"] == {"offbook_code": REASON}
    assert len(exam.right()) == 2
    table = students_table([exam])
    assert list(table[table["suite"] == "all"]["group"]) == ["ood"]
    assert f"Not scored right or wrong: offbook_code: {REASON}." in to_markdown(
        [exam], table, comparisons_table([exam])
    )
