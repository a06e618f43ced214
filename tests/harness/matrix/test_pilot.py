"""A pilot's statement: of which students, over which seeds, and what they will be able to show."""

from pathlib import Path

import pandas as pd
import pytest

from offbook.harness.matrix import pilot as module
from offbook.harness.matrix.pilot import FILE, PAIRS, main, pairs_of, power_table, sentence
from offbook.harness.settings.profiles import load_profile
from offbook.harness.statistics.power import detectable_paired, seeds_of

SCORES = {"ours": {0: 0.40, 1: 0.50, 2: 0.45, 3: 0.55}, "single": {1: 0.44, 0: 0.30, 2: 0.38}}


def grid(scores: dict[str, dict[int, float]]) -> pd.DataFrame:
    rows = [(name, seed, score) for name, own in scores.items() for seed, score in own.items()]
    return pd.DataFrame(rows, columns=["student", "seed", "score"])


def test_pairs_are_of_the_seeds_that_both_have_in_order() -> None:
    assert pairs_of(grid(SCORES), "ours", "single") == ([0.40, 0.50, 0.45], [0.30, 0.44, 0.38])


def test_a_student_that_is_missing_or_named_twice_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="named 'theirs', one a seed, got none; the run has ours, single") as error:
        pairs_of(grid(SCORES), "ours", "theirs")
    assert "\n" not in str(error.value)
    twice = pd.concat([grid(SCORES), grid({"ours": {0: 0.9}})])
    with pytest.raises(ValueError, match="got several settings of it"):
        pairs_of(twice, "ours", "single")


def test_the_table_has_a_row_for_each_number_of_pairs() -> None:
    found = seeds_of(*pairs_of(grid(SCORES), "ours", "single"))
    table = power_table(found)
    assert table["pairs"].tolist() == list(PAIRS)
    assert table["detectable"].tolist() == pytest.approx([detectable_paired(found.sd_difference, n) for n in PAIRS])
    assert (table["detectable_upper"] > table["detectable"]).all()
    assert set(table["measured_pairs"]) == {3}


def test_the_sentence_says_how_many_pairs_reach_the_goal_or_what_is_the_least_to_claim() -> None:
    near = sentence(seeds_of([0.40, 0.50, 0.45], [0.30, 0.41, 0.34]), 0.08, 10)
    assert "pairs are enough" in near
    assert "of these questions and before a correction for several comparisons" in near, "a verdict needs more"
    far = sentence(seeds_of([0.1, 0.5, 0.9], [0.9, 0.2, 0.3]), 0.08, 10)
    assert "no number of pairs up to 10 does: claim nothing smaller than" in far


def test_the_command_writes_and_prints_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "grid", lambda folder: grid(SCORES))
    main([str(tmp_path), "ours", "single", "--goal", "10"])
    printed = capsys.readouterr().out
    assert (tmp_path / FILE).read_text(encoding="utf-8") in printed
    assert "for 10 points" in printed
    with pytest.raises(ValueError, match="expected --goal above 0 and --most of 2 or more, got 0 and 10"):
        main([str(tmp_path), "ours", "single", "--goal", "0"])


def test_the_pilot_that_is_shipped_is_a_part_of_the_study_without_an_exam() -> None:
    pilot, study = load_profile("pilot")[1], load_profile("study")[1]
    assert pilot.exams is None
    for name, student in pilot.students.items():
        whole = study.students[name]
        assert (student.method, student.options, student.training) == (whole.method, whole.options, whole.training)
        assert 3 <= student.seeds <= whole.seeds
    assert (pilot.models, pilot.training, pilot.corpus) == (study.models, study.training, study.corpus)
    assert {student.method for student in pilot.students.values()} == {"mind", "single_rationale"}
