"""A profile runs on a machine that lacks a data set: the suites of its exams that need it are left out, and named."""

import json

import pytest

from offbook.harness.cli.main import main
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.suites_here import without_missing_data
from offbook.harness.settings.profiles import load_profile
from offbook.tasks.openbookqa.utils import SOURCE as OPENBOOKQA
from offbook.tasks.published import SOURCES
from offbook.tasks.svamp.utils import SOURCE as SVAMP
from tests.matrices import matrix


@pytest.fixture
def no_hub(monkeypatch, tmp_path_factory):
    monkeypatch.delenv("OFFBOOK_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))


@pytest.fixture
def data(no_hub, monkeypatch, tmp_path):
    """A folder with the files of SVAMP and OpenBookQA."""
    (tmp_path / "test").mkdir()
    for source in (SVAMP, OPENBOOKQA):
        row = {"id": "a", "question": "?", "answer": "A", "choices": ["x", "y"]}
        (tmp_path / source.local).write_text(json.dumps(row) + "\n")
    monkeypatch.setenv("OFFBOOK_DATA", str(tmp_path))
    return tmp_path


def test_the_real_profile_asks_published_suites_of_which_every_one_is_checked():
    _, profile = load_profile("real")
    asked = [f"offbook_{name}" for names in profile.exams.suites.values() for name in names]
    assert set(asked) <= set(SOURCES)
    assert profile.exams.limit is None, "whole test sets"
    _, study = load_profile("study")
    assert (profile.training, profile.corpus) == (study.training, study.corpus)


def test_suites_without_their_data_are_left_out_by_name(data):
    _, profile = load_profile("real")
    runnable, lines = without_missing_data(profile)
    assert runnable.exams.suites == {"id": ("svamp",), "ood": ("openbookqa",)}
    assert [line.split(": ")[1] for line in lines] == ["gsm8k", "arc_easy", "commonsenseqa", "strategyqa"]
    assert all(line.startswith("left out: ") and "OFFBOOK_DATA at a folder that holds" in line for line in lines)
    assert {suite["name"] for suite in plan(runnable).of_kind("exam")[0].spec["suites"]} == {
        "offbook_svamp",
        "offbook_openbookqa",
    }


def test_a_profile_of_nothing_else_is_refused_and_says_what_it_would_need(no_hub, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--profile", "real", "--dry-run"])
    assert end.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "exams: expected a suite whose data set is here, got none (left out: gsm8k: GSM8K: expected" in last
    assert all(f"left out: {name}" in last for name in ("svamp", "arc_easy", "openbookqa"))


def test_embedded_suites_need_nothing(no_hub):
    for name in ("laptop", "smoke", "board"):
        _, profile = load_profile(name)
        assert without_missing_data(profile) == (profile, [])


def test_heats_go_on_where_no_exam_can_be_asked(no_hub):
    both = matrix(
        {
            "models": {"smollm2-135m-instruct": {}},
            "decoders": {"autoregressive": {}},
            "suites": {"qa": {}},
            "exams": {"suites": {"id": ["svamp"]}},
        }
    )
    runnable, lines = without_missing_data(both)
    assert runnable.exams is None
    assert runnable.suites == both.suites
    assert len(lines) == 1
