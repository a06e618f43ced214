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
    assert told == ["toy, h: vindicated: learning to score, selection, several forms each pay"]
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
    assert line == "toy, h: open: selection not decided yet"
    assert decide(matrix(CONTENT), [], tmp_path, Console(quiet=True)) == []


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
    assert "toy, h: vindicated" in capsys.readouterr().out
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
    assert len(study.hypotheses) == 4
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
