"""Headroom of suites: the rule, and the figures of models whose answers are known."""

from dataclasses import replace

import pytest

from offbook.harness.roster.target import load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials import headroom_benchmark
from offbook.harness.trials.headroom_benchmark import MEETS, Figure, figures, main, table
from offbook.tasks.forgetting.documents import documents
from tests.tiny import save_tiny

FIGURE = Figure(suite="offbook_a", scoring="written", right=14, n=20, guess=0.25, named=18, ended=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(save_tiny(tmp_path_factory.mktemp("headroom") / "tiny", max_position_embeddings=2048))


@pytest.fixture(scope="module")
def target(folder):
    return load_target(folder, device="cpu").for_answers()


@pytest.mark.parametrize(
    ("right", "guess", "verdict"),
    [
        (14, 0.25, MEETS),
        (17, 0.25, MEETS),
        (18, 0.25, "too easy"),
        (8, 0.25, "too hard"),
        (11, 0.25, "too near to guessing"),
        (11, 0.0, MEETS),
    ],
)
def test_a_suite_has_headroom_between_guessing_and_the_ceiling(right, guess, verdict):
    assert replace(FIGURE, right=right, guess=guess).verdict == verdict


def test_nine_of_twenty_are_twenty_points_above_a_quarter_but_not_surely():
    figure = replace(FIGURE, right=9)
    assert figure.verdict == "too near to guessing"
    assert figure.interval.low < 0.35


def test_written_answers_are_scored_by_the_suite_on_development_questions_alone(target, monkeypatch):
    asked = []

    def written(target, texts, cap):
        asked.extend(texts)
        docs = documents("months", "plain", "dev")
        return [doc["answer"] if place < 15 else "Who knows?" for place, doc in enumerate(docs)], 19

    monkeypatch.setattr(headroom_benchmark, "_written", written)
    (suite,) = find_suites(["forgetting_months_plain"])
    by_text, by_likelihood = figures(target, suite)
    assert len(asked) == 20
    assert all(doc["question"] in text for doc, text in zip(documents("months", "plain", "dev"), asked, strict=True))
    assert (by_text.right, by_text.n, by_text.named, by_text.ended) == (15, 20, 15, 19)
    assert by_text.guess == 0, "the question does not list its choices"
    assert (by_likelihood.scoring, by_likelihood.n, by_likelihood.guess) == ("likelihood", 20, 0.25)


def test_listed_choices_can_be_guessed_and_word_problems_have_none(target, monkeypatch):
    monkeypatch.setattr(headroom_benchmark, "_written", lambda target, texts, cap: (["none"] * len(texts), 0))
    (listed,) = find_suites(["forgetting_feelings"])
    assert [figure.guess for figure in figures(target, listed, limit=4)] == [0.25, 0.25]
    (problems,) = find_suites(["procedural_shopping"])
    (figure,) = figures(target, problems, limit=3)
    assert (figure.scoring, figure.guess, figure.named, figure.n) == ("written", 0, None, 3)


def test_a_suite_without_development_questions_is_refused(target):
    (suite,) = find_suites(["qa"])
    with pytest.raises(ValueError, match="'offbook_qa': expected development questions, a validation split, got none"):
        figures(target, suite)


def test_the_table_says_how_many_lines_meet_the_rule():
    shown = table([FIGURE, replace(FIGURE, scoring="likelihood", right=20)])
    assert "| a " in shown
    assert shown.endswith("1 of 2 lines meet the rule.")


def test_the_command_prints_and_writes_a_line_for_every_suite_and_scoring(folder, tmp_path, capsys):
    csv = tmp_path / "headroom.csv"
    arguments = ["forgetting_copying_plain", "--model", folder, "--limit", "2", "--csv", str(csv)]
    main(arguments)
    assert "of 2 lines meet the rule." in capsys.readouterr().out
    head, *lines = csv.read_text().splitlines()
    assert head.startswith("model,weights,suite,scoring,right,n,share")
    assert [line.split(",")[3] for line in lines] == ["written", "likelihood"]
    with pytest.raises(ValueError, match="no suite 'no_such_suite'"):
        main(["no_such_suite", "--model", folder])
