"""What a matrix was run to decide: its verdicts and what its methods did, as files, a page and sentences."""

import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from offbook.harness.matrix import study as module
from offbook.harness.matrix.study import PAGE, decide
from offbook.harness.settings.profiles import load_profile
from offbook.harness.trials import benchmark_command
from tests.harness.tables.exams import exam, filled
from tests.matrices import matrix

FAR = {"ours": 34, "static": 24, "lot": 20, "single": 10}
CONTENT: dict[str, Any] = {
    "models": {"toy": {}},
    "students": {name: {"method": "single_rationale"} for name in FAR},
    "exams": {"suites": {"id": ["procedural_id"]}},
    "hypotheses": {"h": {"ours": "ours", "static": "static", "random": "lot", "singles": ["single"]}},
}


def store(folder: Path, students: dict[str, int]) -> Path:
    exams = [
        exam(name, seed, scores={"sums": [float(i < known + seed % 2) for i in range(40)], "dates": [1.0, 0.0]})
        for name, known in students.items()
        for seed in range(3)
    ]
    return filled(folder, exams)


def test_verdicts_are_files_a_page_and_sentences(tmp_path: Path) -> None:
    from offbook.harness.records.store import Store

    exams = Store(store(tmp_path / "store", FAR)).exams()
    told = decide(matrix(CONTENT), exams, tmp_path, Console(quiet=True))
    assert told == ["toy, h, accuracy: vindicated: learning to score, selection, several forms each pay"]
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert told[0] in " ".join(page.split())
    assert "| learning to score" in page
    assert len((tmp_path / "hypotheses.csv").read_text(encoding="utf-8").splitlines()) == 1 + 4
    assert (tmp_path / "activity.csv").is_file()


def test_a_study_may_be_asked_before_it_is_done(tmp_path: Path) -> None:
    from offbook.harness.records.store import Store

    early = {name: known for name, known in FAR.items() if name != "lot"}
    exams = Store(store(tmp_path / "store", early)).exams()
    (line,) = decide(matrix(CONTENT), exams, tmp_path, Console(quiet=True))
    assert line == "toy, h, accuracy: open: selection not decided yet"
    assert decide(matrix(CONTENT), [], tmp_path, Console(quiet=True)) == []


def test_other_exams_of_the_same_students_decide_nothing(tmp_path: Path) -> None:
    """As where the students of a study sit published data sets in the same folder."""
    known, seeds = FAR.items(), range(3)
    own = [
        exam(name, seed, scores={"sums": [float(i < n + seed % 2) for i in range(40)], "dates": [1.0, 0.0]})
        for name, n in known
        for seed in seeds
    ]
    others = [exam(name, seed, scores={"sums": [0.0, 1.0]}) for name, _ in known for seed in seeds]
    asked = matrix(CONTENT, outcomes={"accuracy": {}, "of dates": {"group": "ood", "tested": False}})
    told = [decide(asked, exams, tmp_path, Console(quiet=True)) for exams in (own, [*own, *others])]
    assert told[0] == told[1] == ["toy, h, accuracy: vindicated: learning to score, selection, several forms each pay"]


def test_the_command_reads_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder = store(tmp_path / "store", FAR)
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "schema_version: 2\ndescription: d\nmodels: {toy: {}}\nexams: {suites: {id: [procedural_id]}}\n"
        "students: {ours: {method: a}, static: {method: a}, lot: {method: a}, single: {method: a}}\n"
        "hypotheses: {h: {ours: ours, static: static, random: lot, singles: [single]}}\n"
    )
    monkeypatch.setattr(sys, "argv", ["study", str(profile), str(folder), "--output", str(tmp_path / "out")])
    module._main()
    assert "toy, h, accuracy: vindicated" in capsys.readouterr().out
    assert (tmp_path / "out" / PAGE).is_file()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["smoke", "STORE"], "expected a matrix with hypotheses, got one without"),
        (["study", "nowhere"], "expected a store with a folder records/, found none"),
        (["stdy", "STORE"], "no profile 'stdy'"),
    ],
)
def test_what_cannot_be_decided_is_told_in_one_line(
    words: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = store(tmp_path / "store", FAR)
    monkeypatch.setattr(sys, "argv", ["study", *(word.replace("STORE", str(folder)) for word in words)])
    monkeypatch.setattr(benchmark_command, "run_settled", lambda module: None)
    with pytest.raises(SystemExit) as end:
        benchmark_command.run("study", module._main)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


# --- the study that is shipped ---


def test_every_hypothesis_of_the_study_is_between_equal_budgets_and_pairs_of_eight_seeds() -> None:
    study = load_profile("study")[1]
    assert len(study.hypotheses) == 3
    for hypothesis in study.hypotheses.values():
        students = [study.students[name] for name in hypothesis.students()]
        assert {student.seeds for student in students} == {8}
        assert len({student.training.gradient_tokens for student in students}) == 1


def test_a_hypothesis_of_the_study_holds_the_method_against_the_same_signal() -> None:
    study = load_profile("study")[1]
    for hypothesis in study.hypotheses.values():
        ours, static = study.students[hypothesis.ours], study.students[hypothesis.static]
        assert ours.options.get("learnability", "path") == static.options["learnability"]
        assert ours.options["update"] == "sampled"


def test_the_study_is_decided_in_accuracy_and_nll_in_distribution_and_tells_what_is_forgotten_beside() -> None:
    outcomes = load_profile("study")[1].outcomes
    tested = {(one.group, one.measure) for one in outcomes.values() if one.tested}
    assert tested == {("id", "accuracy"), ("id", "gold_nll")}
    beside = {(one.group, one.measure) for one in outcomes.values() if not one.tested}
    assert {("forgetting", "likelihood_acc_norm"), ("forgetting", "form"), ("form", "form")} <= beside


@pytest.mark.parametrize("name", ["secondary", "pilot", "tries", "recipe", "perspectives"])
def test_whatever_belongs_to_the_study_learns_from_its_corpus_in_steps_of_sixteen_questions(name: str) -> None:
    study, other = load_profile("study")[1], load_profile(name)[1]
    assert (other.corpus.questions, other.corpus.dev_questions) == (study.corpus.questions, study.corpus.dev_questions)
    assert other.training.questions_per_step == study.training.questions_per_step == 16
    budgets = {study.training.gradient_tokens, study.students["mind on loss, long"].training.gradient_tokens}
    assert other.training.gradient_tokens in budgets
    assert other.exams in (None, study.exams), "one exam, so that all of them compare"


def test_methods_of_more_or_fewer_tokens_a_question_take_so_many_questions_that_they_make_as_many_steps() -> None:
    paths = {"uniform": 8, "edit": 8, "mcc_kd": 2}
    students, usual = load_profile("secondary")[1].students, load_profile("study")[1].training.questions_per_step
    taken = {name: (students[name].training.questions_per_step or usual) * count for name, count in paths.items()}
    assert taken == dict.fromkeys(paths, usual), "of 16 questions with eight paths each the budget is two steps"
    assert students["answer_only"].training.questions_per_step == 7 * usual, "a seventh of a path's tokens"
    assert usual < (students["equation_only"].training.questions_per_step or 0) < 7 * usual


def test_metanets_rate_is_watched_before_the_study() -> None:
    tries, study = load_profile("tries")[1], load_profile("study")[1]
    watched = study.students["mind on answer loss, long"].options["watched_rates"]
    assert tries.students["mind"].options["watched_rates"] == watched


def test_metanet_warms_up_for_as_many_steps_as_were_seen_to_teach_it_a_students_costs() -> None:
    """80, five passes over 256 questions (results/trainings/mind-s0.json); of 112 questions five passes are 35."""
    study = load_profile("study")[1]
    steps = -(-study.corpus.questions // 16)  # of as many questions MetaNet makes one
    ours = [student for student in study.students.values() if student.method == "mind"]
    assert len(ours) == 4
    assert all(int(str(student.options["warmup_epochs"])) * steps >= 80 for student in ours)


def test_a_piece_of_the_study_is_the_students_of_some_seeds() -> None:
    study = load_profile("study")[1]
    piece = study.model_copy(update={"training_seeds": (0, 5)})
    (model,) = study.models
    assert set(piece.students_of(model)) < set(study.students_of(model))
    assert {seed for _, seed in piece.students_of(model)} == {0, 5}


@pytest.mark.parametrize("name", ["pilot", "real", "cross"])
def test_students_of_other_profiles_are_the_studys_own_where_they_have_its_names(name: str) -> None:
    study, other = load_profile("study")[1], load_profile(name)[1]
    assert other.students.keys() < study.students.keys()
    assert (other.models, other.training, other.corpus) == (study.models, study.training, study.corpus)
    for title, student in other.students.items():
        ours = study.students[title]
        assert (student.method, student.options, student.training) == (ours.method, ours.options, ours.training)
        assert student.seeds <= ours.seeds


@pytest.mark.parametrize("name", ["secondary", "pilot", "tries", "real", "cross", "laptop", "svamp"])
def test_the_recipe_is_one_for_all(name: str) -> None:
    study, other = load_profile("study")[1].training, load_profile(name)[1].training
    for setting in ("learning_rate", "lora_rank", "replay", "averaging", "questions_per_step", "evaluations"):
        assert getattr(other, setting) == getattr(study, setting), setting
