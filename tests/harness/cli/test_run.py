"""`offbook run`: what is told before anything is done, and what is refused."""

import dataclasses
import json
from pathlib import Path

import pytest

from offbook.harness.cli.main import main
from offbook.harness.matrix.estimates import Estimate, Estimates, told, told_rest
from offbook.harness.matrix.graph import Stage
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.units import measure
from offbook.harness.records.spent import Spent, note
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import load_config
from offbook.harness.settings.profiles import load_profile

FILE = """
schema_version: 2
description: two decoders on one suite
models: {{{model}: {{}}}}
decoders: {{autoregressive: {{}}, prompt_lookup: {{}}}}
suites: {{qa: {{max_new_tokens: 4, limit: 1}}}}
"""


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture
def matrix(tiny_folder, tmp_path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(FILE.format(model=tiny_folder))
    return str(path)


def test_a_matrix_is_told_then_run_then_there_already(matrix, tmp_path, capsys):
    folder = tmp_path / "run"
    assert status("run", matrix, "--dry-run", "--output", str(folder)) == 0
    assert "offbook_qa at temperature 0: n/a, n/a" in capsys.readouterr().out
    assert not folder.exists()
    assert status("run", matrix, "--output", str(folder), "--device", "cpu") == 0
    assert len(list((folder / "records").glob("*.json"))) == 2
    told = capsys.readouterr()
    assert "1 done, 0 failed, 0 pending" in told.err
    for said in (told.out, (folder / "LEADERBOARD.md").read_text()):
        assert "1 stage expected = 1 done + 0 failed + 0 pending." in said
    assert status("run", matrix, "--dry-run", "--output", str(folder)) == 0
    assert "offbook_qa at temperature 0: there already" in capsys.readouterr().out
    assert status("run", matrix, "suites.qa.limit=2", "--dry-run", "--output", str(folder)) == 0
    assert "measured: " in capsys.readouterr().out, "the records of this folder tell how fast it was"


def test_a_dry_run_says_what_all_that_is_left_may_take():
    known = [Estimate(seconds=5400.0), Estimate(seconds=3600.0)]
    assert told_rest([]) == ""
    assert told_rest(known) == "; the others may take 2.5 hours"
    some = told_rest([*known, Estimate()])
    assert some.endswith("2.5 hours, 1 of them n/a and not in it"), "no sum hides what nobody knows"


def test_a_runs_folder_is_gone_on_with_by_its_plan(matrix, tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    plan(load_config(Path(matrix), Matrix)).write(folder)
    assert status("run", str(folder), "--dry-run") == 0
    assert "1 stages, 0 of them there already; of the others nobody knows" in capsys.readouterr().err
    assert status("run", str(folder), "--device", "cpu", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["failed"], told["pending"], told["folder"]) == (1, [], 0, str(folder))
    assert {row["decoder"] for row in told["decoders"]} == {"autoregressive", "prompt_lookup"}
    assert status("run", str(folder), "--device", "cpu") == 0
    capsys.readouterr()
    assert status("status", str(folder), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["total"]["done"], told["go_on"]) == (1, "")


@pytest.mark.parametrize("given", [["--output", "other"], ["suites.qa.limit=2"], ["--answers", "shipped"]])
def test_a_plan_that_is_gone_on_with_is_not_changed(given, matrix, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    plan(load_config(Path(matrix), Matrix)).write(tmp_path / "run")
    assert status("run", "run", *given) == 2
    said = capsys.readouterr().err
    assert "got a run's folder, whose plan is gone on with as it is" in said
    assert said.count("\n") == 1


def test_a_folder_without_a_plan_is_told(tmp_path, capsys):
    assert status("run", str(tmp_path)) == 2
    assert "expected the plan of a run, found none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("suites.qa.limit=0", "suites.qa.limit: Input should be greater than or equal to 1, got 0"),
        ("decoders.eagl={}", "no decoder 'eagl'"),
        ("decoders.eagle2={drafter: none}", "eagle2: expected a trained drafter, got none"),
        ("suites.qqa={}", "no suite 'qqa'"),
        ("limit", "expected NAME=VALUE"),
    ],
)
def test_a_setting_that_fits_nowhere_is_refused_before_there_is_a_folder(matrix, tmp_path, capsys, setting, complaint):
    assert status("run", matrix, setting, "--dry-run", "--output", str(tmp_path / "run")) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_the_committed_results_tell_how_long_a_laptops_heat_takes():
    spec = {
        "model": {"name": "smollm2-135m-instruct"},
        "arms": [{"decoder": "autoregressive"}],
        "suite": {"name": "offbook_qa"},
        "limit": 12,
        "max_new_tokens": 96,
    }
    stage = Stage(key="a" * 64, kind="heat", title="qa", spec=spec)
    results = Path(__file__).resolve().parents[3] / "results"
    estimate = Estimates(results / "none", results).of(stage)
    assert estimate.seconds is not None
    assert 1 < estimate.seconds < 600
    assert "tok/s in" in told(stage, estimate, done=False)
    slower = dataclasses.replace(stage, spec=spec | {"arms": [{"decoder": "nobody"}]})
    assert told(slower, Estimates(results).of(slower), done=False).endswith("qa: n/a, n/a")


def test_exams_and_students_are_told_by_the_records_too():
    results = Path(__file__).resolve().parents[3] / "results"
    graph = plan(load_profile("laptop")[1])
    known = Estimates(results)
    exams = [known.of(stage) for stage in graph.of_kind("exam")]
    assert len(exams) == 7
    assert all(exam.seconds is not None and 20 < exam.seconds < 1200 for exam in exams), "121 answers"
    assert "answers a second in" in exams[0].measured
    assert all(known.of(stage).peak_bytes for stage in graph.of_kind("student"))
    assert all(stage.expected_s > 0 for stage in known.on(graph).stages if stage.kind in ("exam", "student"))


def test_drafters_are_told_by_what_others_of_their_kind_took(tmp_path):
    stage = plan(load_profile("smoke")[1]).of_kind("drafter")[0]
    assert Estimates(tmp_path).of(stage).seconds is None
    name, units = measure(stage)
    assert units == 24
    note(tmp_path, Spent(key="a" * 64, kind="drafter", name=name, units=12, wall_s=6.0))
    note(tmp_path, Spent(key="b" * 64, kind="drafter", name="another", units=12, wall_s=600.0))
    estimate = Estimates(tmp_path).of(stage)
    assert estimate.seconds == pytest.approx(12.0)
    assert "0.5 s a unit in 1 stages" in estimate.measured


DAMAGES = {
    "emptied": lambda text: "",
    "no name": lambda text: text.replace("decoder", "de\0coder"),
    "another name": lambda text: text.replace("tokens_per_s", "tokens"),
    "no columns": lambda text: text.replace(",", ";"),
    "no text": lambda text: text[: len(text) // 2] + "\0\ufffd" + text[len(text) // 2 :],
    "no numbers": lambda text: text.replace("0.", "x"),
    "below 0": lambda text: text.replace(",", ",-"),
    "an open quote": lambda text: text + '"',
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_tables_that_somebody_damaged_stop_no_run(damage, tmp_path):
    results = Path(__file__).parents[3] / "results"
    for name in ("leaderboard.csv", "students.csv"):
        (tmp_path / name).write_text(damage((results / name).read_text()))
    spec = {
        "model": {"name": "smollm2-135m-instruct"},
        "arms": [{"decoder": "autoregressive"}],
        "suite": {"name": "offbook_qa"},
        "limit": 12,
        "max_new_tokens": 96,
    }
    exam = {"model": {"name": "smollm2-135m-instruct"}, "suites": [{"name": "a"}], "limit": 4}
    for kind, what in (("heat", spec), ("exam", exam)):
        stage = Stage(key="0" * 64, kind=kind, title=kind, spec=what)
        found = Estimates(tmp_path).of(stage).seconds
        assert found is None or found > 0
