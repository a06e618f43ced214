"""`offbook run`: what is told before anything is done, and what is refused."""

import dataclasses
from pathlib import Path

import pytest

from offbook.harness.cli.main import main
from offbook.harness.matrix.estimates import Estimates, told
from offbook.harness.matrix.graph import Stage

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
    assert "1 done, 0 failed, 0 pending" in capsys.readouterr().err
    assert status("run", matrix, "--dry-run", "--output", str(folder)) == 0
    assert "offbook_qa at temperature 0: there already" in capsys.readouterr().out
    assert status("run", matrix, "suites.qa.limit=2", "--dry-run", "--output", str(folder)) == 0
    assert "measured: " in capsys.readouterr().out, "the records of this folder tell how fast it was"


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("suites.qa.limit=0", "suites.qa.limit: Input should be greater than or equal to 1, got 0"),
        ("decoders.eagle={}", "no decoder 'eagle'"),
        ("suites.qqa={}", "no suite 'qqa'"),
        ("limit", "expected NAME=VALUE"),
    ],
)
def test_a_setting_that_fits_nowhere_is_refused_before_there_is_a_folder(matrix, tmp_path, capsys, setting, complaint):
    assert status("run", matrix, setting, "--output", str(tmp_path / "run")) == 2
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
