import json
from pathlib import Path

import pandas as pd
import pytest

from offbook.engine.embedded_folder import prepare
from offbook.engine.progress import Lines, Silent
from offbook.harness.matrix.folders import is_finished, open_run, unfinished
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.reproduce import reproduce
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole as whole_store
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.profiles import load_profile
from offbook.harness.tables.judging import IDENTICAL
from offbook.harness.tables.reproduction import verdict_lines
from offbook.harness.trials import run as module
from tests.matrices import matrix
from tests.tiny import save_tiny

EXACT = ["decoder", "suite", "temperature", "n_docs", "new_tokens", "accuracy", "acceptance_length", "key"]


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Matrix:
    content = {
        "models": {str(save_tiny(tmp_path_factory.mktemp("reproduce") / "tiny")): {}},
        "decoders": {
            "autoregressive": {},
            "eagle2": {"options": {"total_tokens": 6}},
            "jakiro": {},
            "prompt_lookup": {},
        },
        "drafters": {"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128},
        "suites": {"qa": {"max_new_tokens": 5}, "maths": {"max_new_tokens": 4}},
        "temperatures": [{"limit": 2}, {"temperature": 1.0, "limit": 1}],
    }
    return matrix(content)


@pytest.fixture(scope="module")
def graph(profile) -> Graph:
    return plan(profile, answers="regenerate")


@pytest.fixture(scope="module")
def whole(graph, tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("whole")
    ran, compared = reproduce(graph, folder, Silent(), committed=folder / "none")
    assert (ran.done, ran.failed, ran.pending, compared) == (7, [], 0, [])
    return folder


def exact(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "leaderboard.csv")[EXACT]


def test_a_profile_leaves_records_drafters_and_a_leaderboard(whole):
    assert len(whole_store(Store(whole)).cells) == 4 * 4
    assert len(list(whole.glob("artifacts/drafter-*/config.json"))) == 2
    assert is_finished(whole)
    verdicts = {record.certificate.verdict for record in Store(whole).records()}
    assert verdicts <= {"baseline", "lossless", "ties"}


def test_a_finished_run_does_nothing_twice(graph, whole, monkeypatch):
    monkeypatch.setattr("offbook.harness.matrix.running.rehearse", None)
    monkeypatch.setattr("offbook.harness.matrix.making.run", None)
    monkeypatch.setattr("offbook.harness.matrix.making.drafters", None)
    before = (whole / "leaderboard.csv").read_bytes()
    reproduce(graph, whole, Silent(), committed=whole / "none")
    assert (whole / "leaderboard.csv").read_bytes() == before


def test_a_run_that_was_interrupted_goes_on_and_ends_the_same(graph, whole, tmp_path, monkeypatch, capsys):
    heats = []

    def run_heat(heat, store, progress):
        heats.append(heat.title)
        if len(heats) == 3:
            raise KeyboardInterrupt
        return original(heat, store, progress)

    original = module.run_heat
    with monkeypatch.context() as patch:
        patch.setattr(module, "run_heat", run_heat)
        with pytest.raises(KeyboardInterrupt):
            reproduce(graph, tmp_path, Silent(), committed=tmp_path / "none")
    assert len(Store(tmp_path).records()) == 2 * 4
    assert (tmp_path / "LEADERBOARD.md").is_file()
    assert not is_finished(tmp_path)
    reproduce(graph, tmp_path, Lines(), committed=tmp_path / "none")
    said = capsys.readouterr().err
    assert "5 of 7 stages were done before" in said, "answers, two drafters and two heats"
    assert "[7/7]" in said
    pd.testing.assert_frame_equal(exact(tmp_path), exact(whole))


def test_a_run_is_held_against_the_committed_leaderboard(graph, whole):
    _, (comparison,) = reproduce(graph, whole, Silent(), committed=whole)
    assert comparison.counts[IDENTICAL] == len(comparison.table)
    assert not comparison.differs
    assert (whole / "leaderboard_comparison.csv").is_file()
    assert "0 differ" in verdict_lines([comparison])[0]


def test_answers_of_an_unknown_model_are_not_made_up(profile):
    with pytest.raises(ValueError, match="expected answers of 'tiny' among those shipped, found none"):
        plan(profile)


def test_an_unfinished_run_of_the_same_profile_is_resumed_and_no_other(profile, tmp_path):
    first, resumed = open_run("tiny", profile, runs=tmp_path)
    assert not resumed
    assert open_run("tiny", profile, runs=tmp_path) == (first, True)
    assert unfinished("tiny", profile, runs=tmp_path) == first
    changed = profile.model_copy(update={"seeds": (7,)})
    other, resumed = open_run("tiny", changed, runs=tmp_path)
    assert not resumed
    assert other != first
    fresh, resumed = open_run("tiny", profile, fresh=True, runs=tmp_path)
    assert not resumed
    assert fresh != first
    for folder in (first, fresh):
        (folder / "finished.json").write_text("{}")
    last, resumed = open_run("tiny", profile, runs=tmp_path)
    assert not resumed
    assert last not in (first, fresh, other)


def test_a_folder_in_use_is_not_taken(profile, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="got other files; choose another"):
        open_run("tiny", profile, output=tmp_path)
    run, _ = open_run("tiny", profile, output=tmp_path / "run")
    assert open_run("tiny", profile, output=run) == (run, True)
    with pytest.raises(ValueError, match="got a run of profile 'tiny'"):
        open_run("other", profile.model_copy(update={"seeds": (7,)}), output=run)
    assert json.loads((run / "run.json").read_text())["profile"] == "tiny"


@pytest.mark.slow
def test_smoke_runs_from_the_real_model_to_the_leaderboard(tmp_path):
    """The embedded model, two drafters, six decoders, both temperatures, three students."""
    try:
        prepare("smollm2-135m-instruct")
    except ValueError as error:
        pytest.skip(f"the embedded model is out of reach: {error}")
    _, profile = load_profile("smoke")
    ran, compared = reproduce(plan(profile), tmp_path, Silent())
    assert (ran.failed, ran.pending) == ([], 0)
    assert {part.name for part in compared} == {"decoders", "students"}
    records = Store(tmp_path).records("cell")
    assert len(whole_store(Store(tmp_path)).cells) == len(profile.decoders) * len(profile.suites) * len(
        profile.temperatures
    )
    greedy = [r.certificate for r in records if r.spec.temperature == 0 and r.spec.decoder != "autoregressive"]
    assert all(c.unexplained == 0 for c in greedy)
    assert all(r.certificate.verdict in ("baseline", "lossless", "ties") for r in records)
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    assert set(table["decoder"]) == set(profile.decoders)
    assert (table["acceptance_length"] >= 1).all()
    students = {(e.record.spec.student.name, len(e.rows)) for e in Store(tmp_path).exams()}
    assert students == {("untouched", 6), ("single_rationale", 6), ("mind", 6)}
