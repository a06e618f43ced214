"""`offbook tune` from the command line, and the commands that take what it writes."""

from pathlib import Path

import pytest

from offbook.harness.artifacts.tune import development_answers
from offbook.harness.cli.main import main
from offbook.harness.matrix import tune as module
from offbook.harness.records.store import Store
from offbook.harness.roster.tuning import read_tuning


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture
def tuned(tiny_folder, tmp_path, monkeypatch, capsys) -> Path:
    monkeypatch.setattr(module, "development_answers", lambda *args: development_answers(*args, prompts=1, tokens=4))
    asked = ("--decoders", "prompt_lookup", "--layout", "prepacked", "--temperature", "0", "--device", "cpu")
    assert status("tune", str(tiny_folder), *asked, "--output", str(tmp_path / "tuned")) == 0
    told = capsys.readouterr()
    assert "expected speed-up" in told.err
    return Path(told.out.strip())


def test_evaluate_takes_layout_and_settings_of_a_tuning(tuned, tiny_folder, tmp_path, capsys):
    asked = ("--decoders", "autoregressive,prompt_lookup", "--tasks", "qa", "--limit", "1", "--max-new-tokens", "4")
    folder = tmp_path / "run"
    model = ("--model", str(tiny_folder), "--device", "cpu")
    assert status("evaluate", *model, *asked, "--tuning", str(tuned), "--output", str(folder)) == 0
    specs = {record.spec.decoder: record.spec for record in Store(folder).records("cell")}
    assert {spec.layout for spec in specs.values()} == {"prepacked"}
    assert {name: spec.tuning for name, spec in specs.items()} == {
        "autoregressive": None,
        "prompt_lookup": read_tuning(tuned).sha256(),
    }
    capsys.readouterr()


def test_generate_takes_a_tuning(tuned, tiny_folder, capsys):
    asked = ("--model", str(tiny_folder), "--decoder", "prompt_lookup", "--max-new-tokens", "3", "--device", "cpu")
    assert status("generate", "hi", *asked, "--tuning", str(tuned)) == 0
    capsys.readouterr()


@pytest.mark.parametrize("content", [None, "", "{}", '{"schema_version": 9}'])
@pytest.mark.parametrize("command", [("generate", "hi"), ("evaluate", "--tasks", "qa")])
def test_a_file_that_is_no_tuning_is_refused_in_a_line(tiny_folder, tmp_path, capsys, content, command):
    place = tmp_path / "tuning.json"
    if content is not None:
        place.write_text(content)
    told = (*command, "--model", str(tiny_folder), "--device", "cpu", "--tuning", str(place))
    assert status(*told, *(("--output", str(tmp_path / "run")) if command[0] == "evaluate" else ())) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "tuning.json" in line
    assert not (tmp_path / "run").exists()
