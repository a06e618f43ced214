"""`offbook certify` from the command line: who may be meant, the exit status, and what is refused."""

import json
import sys

import pytest

from offbook.harness.certificates.report import Part, Report
from offbook.harness.cli.main import main
from offbook.harness.roster.asked_for import asked_for

SMALL = ("--limit", "2", "--max-new-tokens", "6", "--tokens", "20", "--draws", "1000", "--temperature", "0")


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_paragraph_a_file_and_a_status(tiny_folder, tmp_path, capsys):
    place = tmp_path / "certificate"
    asked = ("--model", str(tiny_folder), "--device", "cpu", "--output", str(place), *SMALL)
    assert status("certify", "prompt_lookup", *asked, "--option", "num_tokens=4") == 0
    told = capsys.readouterr()
    assert told.out.startswith("prompt_lookup (")
    assert "num_tokens 4" in told.out
    assert told.out.strip().endswith("Verdict: LOSSLESS.")
    assert json.loads((place / "certificate.json").read_text())["verdict"] == "lossless"
    assert str(place) in told.err


def test_a_contender_that_is_not_lossless_ends_with_one(tiny_folder, tmp_path, capsys, monkeypatch):
    part = Part(name="a", outcome="differs", told="something is off")
    subject = {"decoder": "x", "options": {}, "model": "m", "dtype": "float32", "layout": "packed"}
    report = Report(subject=subject, parts=[part], manifest={})
    monkeypatch.setattr("offbook.harness.matrix.certify.certify", lambda *_, **__: report)
    asked = ("--model", str(tiny_folder), "--device", "cpu", "--output", str(tmp_path / "c"))
    assert status("certify", "suffix", *asked) == 1
    assert "Something is off. Verdict: DIFFERS." in capsys.readouterr().out


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "their_decoder.py").write_text(
        "from offbook.harness.roster.decoders import DECODERS\nCONTENDER = DECODERS['suffix']\nOTHER = 3\n"
    )
    yield
    sys.modules.pop("their_decoder", None)


def test_a_contender_may_lie_in_a_module_of_the_folder(module):
    assert asked_for("their_decoder:CONTENDER")[0].name == "suffix"


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("their_decoder:OTHER", "expected a Contender, got int"),
        ("their_decoder:NOBODY", "expected it to load, got AttributeError"),
        ("no_such_module:CONTENDER", "expected it to load, got ModuleNotFoundError"),
        ("sufix", "did you mean suffix"),
        (":", "no decoder"),
    ],
)
def test_who_is_nobody_is_refused_in_a_line(module, tmp_path, capsys, what, complaint):
    assert status("certify", what, "--output", str(tmp_path / "c")) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert complaint in line
    assert not (tmp_path / "c").exists()


def test_a_folder_that_holds_no_drafter_is_refused(tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    assert status("certify", str(tmp_path / "folder")) == 2
    assert "config.json" in capsys.readouterr().err
    (tmp_path / "folder" / "config.json").write_text('{"architecture": "eagle2"}')
    assert status("certify", str(tmp_path / "folder")) == 2
    assert "which names its target" in capsys.readouterr().err
