"""The verdict on a method that selects, from exams: each rival beaten, in pairs of seeds, within one family."""

import math
from collections.abc import Mapping

import pytest

from offbook.harness.records.exam import Exam
from offbook.harness.settings.hypotheses import HypothesisSpec, OutcomeSpec
from offbook.harness.statistics.crossed import holm
from offbook.harness.tables.columns import Table, to_markdown
from offbook.harness.tables.hypotheses import (
    ACCURACY,
    BETTER,
    COLUMNS,
    FORMS,
    LEARNING,
    OPEN,
    SELECTION,
    SIGNAL,
    TIE,
    UNTESTED,
    WORSE,
    comparisons,
    hypotheses_table,
    verdict_lines,
)
from tests.harness.tables.exams import exam

H = {"h": HypothesisSpec(ours="ours", static="static", random="random", singles=("single",))}
FAR = {"ours": 34, "static": 24, "random": 20, "single": 10}


def exams(right: Mapping[str, int], seeds: int = 4, items: int = 40) -> list[Exam]:
    """Everybody knows the first so many of 40 items, and one more or less by seed, the same for all."""
    return [
        exam(name, seed, scores={"sums": [float(i < known + seed % 2) for i in range(items)], "dates": [1.0, 0.0]})
        for name, known in right.items()
        for seed in range(seeds)
    ]


def verdicts(right: Mapping[str, int], seeds: int = 4) -> dict[str, str]:
    table = hypotheses_table(exams(right, seeds), H)
    return dict(zip(table["part"], table["verdict"], strict=True))


def test_a_method_that_beats_every_rival_is_vindicated() -> None:
    table = hypotheses_table(exams(FAR), H)
    assert table["verdict"].tolist() == [BETTER] * 4
    assert table["part"].tolist() == [LEARNING, SELECTION, FORMS, SIGNAL]
    assert table["difference"].tolist() == pytest.approx([0.25, 0.35, 0.6, 0.35])
    assert (table["difference_low"] > 0).all()
    assert (table["seeds"] == 4).all()
    assert verdict_lines(table) == [
        "toy, h, accuracy: vindicated: learning to score, selection, several forms each pay"
    ]


def test_where_the_static_rival_is_as_good_the_signal_is_vindicated_alone() -> None:
    table = hypotheses_table(exams(FAR | {"static": 34}), H)
    assert dict(zip(table["part"], table["verdict"], strict=True))[LEARNING] == TIE
    (line,) = verdict_lines(table)
    assert line.startswith("toy, h, accuracy: not vindicated, for want of learning to score; the signal alone is")


def test_where_a_single_perspective_is_as_good_nothing_is_vindicated() -> None:
    (line,) = verdict_lines(hypotheses_table(exams(FAR | {"static": 24, "single": 33}), H))
    assert line == "toy, h, accuracy: not vindicated, for want of several forms"
    assert verdicts({"ours": 10, "static": 24, "random": 9, "single": 30})[FORMS] == WORSE


def test_every_single_perspective_has_to_be_beaten() -> None:
    two = {"h": H["h"].model_copy(update={"singles": ("single", "other")})}
    table = hypotheses_table(exams(FAR | {"other": 34}), two)
    assert table.loc[table["part"] == FORMS, "verdict"].tolist() == [BETTER, TIE]
    (line,) = verdict_lines(table)
    assert "not vindicated, for want of several forms" in line


def test_the_family_is_of_all_hypotheses_and_as_large_before_they_are_measured() -> None:
    both = H | {"later": HypothesisSpec(ours="a", static="b", random="c", singles=("d", "e"))}
    table = hypotheses_table(exams(FAR), both)
    assert len(comparisons(both, ACCURACY)) == len(table) == 4 + 6
    assert (table["family"] == 10).all()
    assert table["verdict"].tolist()[4:] == [OPEN] * 6
    known = table["p"].tolist()[:4]
    assert table["p_holm"].tolist()[:4] == pytest.approx(holm([*known, *[1.0] * 6])[:4])
    assert verdict_lines(table)[1].startswith("toy, later, accuracy: open: learning to score, selection")


def test_one_pair_of_seeds_decides_nothing() -> None:
    table = hypotheses_table(exams(FAR, seeds=1), H)
    assert set(table["verdict"]) == {OPEN}
    assert table["p"].isna().all()
    assert not math.isnan(table["difference"][0]), "the difference stands there all the same"


def test_only_seeds_that_both_have_are_pairs() -> None:
    found = [*exams(FAR), exam("ours", 9, scores={"sums": [0.0] * 40, "dates": [0.0, 0.0]})]
    table = hypotheses_table(found, H)
    assert (table["seeds"] == 4).all()
    assert table["difference"][0] == pytest.approx(0.25)


def test_another_group_is_asked_for_by_name() -> None:
    table = hypotheses_table(exams(FAR), H, {"of dates": OutcomeSpec(group="ood")})
    assert (table["n_items"] == 2).all()
    assert set(table["verdict"]) == {TIE}


def test_every_tested_outcome_is_in_the_family_and_has_a_verdict_and_others_have_intervals_alone() -> None:
    outcomes = {"accuracy": OutcomeSpec(), "of dates": OutcomeSpec(group="ood"), "beside": OutcomeSpec(tested=False)}
    table = hypotheses_table(exams(FAR), H, outcomes)
    assert table["outcome"].tolist() == ["accuracy"] * 4 + ["of dates"] * 4 + ["beside"] * 4
    assert table["family"].tolist() == [8] * 8 + [0] * 4
    beside = table[table["outcome"] == "beside"]
    assert set(beside["verdict"]) == {UNTESTED}
    assert beside[["p", "p_holm"]].isna().all().all()
    assert beside["difference_low"].tolist() == table["difference_low"].tolist()[:4]
    assert [line.split(": ")[0] for line in verdict_lines(table)] == ["toy, h, accuracy", "toy, h, of dates"]


def test_of_a_right_answers_nll_less_is_better_and_old_exams_leave_it_open() -> None:
    nll = {"NLL": OutcomeSpec(measure="gold_nll")}
    found = [
        exam(
            name,
            seed,
            scores={"sums": [0.0] * 40, "dates": [1.0, 0.0]},
            measured={"sums": [(40 - known) / 10 + 0.01 * ((i * (place + 1) + seed) % 7) for i in range(40)]},
        )
        for place, (name, known) in enumerate(FAR.items())
        for seed in range(4)
    ]
    table = hypotheses_table(found, H, nll)
    assert table["verdict"].tolist() == [BETTER] * 4
    assert (table["difference"] < 0).all()
    assert "a is" in to_markdown(Table(columns=COLUMNS, rows=table))
    assert "-1.00" in to_markdown(Table(columns=COLUMNS, rows=table))
    assert set(hypotheses_table(exams(FAR), H, nll)["verdict"]) == {OPEN}


def test_students_of_other_budgets_are_not_held_against_each_other() -> None:
    richer = [
        exam("ours", seed, training={"gradient_tokens": 9000}, scores={"sums": [1.0] * 40, "dates": [1.0, 0.0]})
        for seed in range(4)
    ]
    with pytest.raises(ValueError, match="expected ours and static of one exam, corpus and budget"):
        hypotheses_table([*exams({name: n for name, n in FAR.items() if name != "ours"}), *richer], H)
    with pytest.raises(ValueError, match="expected one student named ours, got two settings of it"):
        hypotheses_table([*exams(FAR), *richer], H)
