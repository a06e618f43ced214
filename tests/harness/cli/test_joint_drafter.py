"""A student and its drafter from the command line: trained at once, told, taken by --drafter, and found by certify."""

import json
from pathlib import Path

import pytest

from offbook.harness.cli.main import main
from offbook.harness.records.store import Store
from offbook.harness.roster.asked_for import asked_for
from offbook.harness.roster.drafter_info import describe
from tests.tiny import save_tiny

CORPUS = ("--questions", "2", "--dev-questions", "1", "--max-new-tokens", "4")
TRAINING = ("--gradient-tokens", "400", "--questions-per-step", "1", "--evaluations", "1", "--max-length", "4096")
HEADS = ("--option", "heads_alone=0")


def status(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("joint") / "tiny")


@pytest.fixture(scope="module")
def student(tiny, tmp_path_factory) -> Path:
    return trained(tiny, tmp_path_factory.mktemp("student") / "student")


def trained(tiny: Path, folder: Path) -> Path:
    asked = ("--model", tiny, "--output", folder, "--device", "cpu", *CORPUS, *TRAINING, *HEADS)
    assert status("train-student", "medusa2", *asked) == 0
    return folder


def test_it_is_told_where_the_drafter_lies(tiny, tmp_path, capsys):
    student = trained(tiny, tmp_path / "student")
    assert f"its drafter for medusa lies in {student / 'medusa'}" in capsys.readouterr().err
    assert describe(student / "medusa").trained_with == "medusa2"
    training = json.loads((student / "medusa" / "config.json").read_text())["training"]
    assert len(training["rank_accuracy"]) == 4, "measured on answers to the development question"


def test_whoever_has_both_decodes_with_it_and_nobody_else(student, tiny, tmp_path, capsys):
    heat = ("--tasks", "qa", "--limit", "1", "--max-new-tokens", "4", "--decoders", "autoregressive,medusa")
    taken = ("--drafter", f"medusa={student / 'medusa'}", "--device", "cpu")
    assert status("evaluate", "--model", student, *heat, *taken, "--output", tmp_path / "run") == 0
    verdicts = {r.spec.decoder: r.certificate.verdict for r in Store(tmp_path / "run").records("cell")}
    assert verdicts.keys() == {"autoregressive", "medusa"}
    assert verdicts["medusa"] in ("lossless", "ties")
    capsys.readouterr()
    assert status("evaluate", "--model", tiny, *heat, *taken, "--output", tmp_path / "other") == 2
    assert "got one trained for medusa2 student" in capsys.readouterr().err.splitlines()[-1]


def test_certify_finds_the_student_around_it(student):
    chosen, folder, model = asked_for(str(student / "medusa"))
    assert (chosen.name, folder, model) == ("medusa", student / "medusa", str(student))
    assert asked_for("medusa", student / "medusa")[2] == str(student)


def test_it_is_certified_against_its_own_student(student, tmp_path, capsys):
    small = ("--limit", "2", "--max-new-tokens", "6", "--tokens", "20", "--draws", "1000", "--temperature", "0")
    assert status("certify", student / "medusa", "--device", "cpu", "--output", tmp_path / "c", *small) == 0
    told = capsys.readouterr().out
    assert told.startswith("medusa (")
    assert told.strip().endswith("Verdict: LOSSLESS.")
    subject = json.loads((tmp_path / "c" / "certificate.json").read_text())["subject"]
    assert subject["model"] == student.name


def test_train_drafter_does_not_write_over_it(student, capsys):
    before = (student / "medusa" / "config.json").read_bytes()
    given = ("--answers", "regenerate", "--limit", "4", "--epochs", "1", "--draft-vocab-size", "64", "--device", "cpu")
    assert status("train-drafter", "medusa", "--model", student, "--output", student / "medusa", *given) == 2
    assert "choose another folder" in capsys.readouterr().err.splitlines()[-1]
    assert (student / "medusa" / "config.json").read_bytes() == before
