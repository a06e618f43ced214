"""`offbook analyse-latent`, from the command line to tables and pictures."""

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

from offbook.engine.students.corpus import save_corpus
from offbook.engine.students.record import RECORD
from offbook.harness.cli.main import main
from offbook.harness.latent import session as latent_session
from offbook.harness.latent.analysis import parse_students
from offbook.harness.latent.session import read_questions, spread
from offbook.harness.records.manifest import machine_line
from offbook.harness.roster.command_line import process_manifest
from offbook.harness.tables.markdown import escape
from offbook.tasks.procedural import FAMILIES
from tests.engine.students.test_text_encoder import tiny_encoder
from tests.methods.mind_corpus import mind_corpus
from tests.tiny import save_tiny, tiny_model

PICTURES = ("map-base.png", "map-other.png", "map-same.png", "preference.png", "similarity.png")
TABLES = ("consistency.csv", "divergence.csv", "preference.csv", "separability.csv", "similarity.csv")


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """A base model, a student with the same weights, another one that MIND trained, an encoder and a corpus."""
    root = tmp_path_factory.mktemp("latent")
    found = {name: save_tiny(root / name, seed=seed) for name, seed in (("base", 0), ("same", 0), ("other", 1))}
    log = [{"gradient_tokens": 8 * i, "alpha/a": 0.25, "alpha/b": 0.75, "kept": 2.0} for i in range(1, 9)]
    (found["other"] / RECORD).write_text(json.dumps({"log": log}))
    encoder = tiny_encoder()
    encoder.model.save_pretrained(root / "encoder")
    encoder.tokenizer.save_pretrained(root / "encoder")
    save_corpus(root / "corpus.jsonl", mind_corpus())
    return {**found, "encoder": root / "encoder", "corpus": root / "corpus.jsonl"}


def arguments(folders: dict[str, Path], output: Path, *more: str) -> list[str]:
    named = ("base", "encoder", "corpus")
    return [
        "analyse-latent",
        *(f"--{n}={folders[n]}" for n in named),
        "--output",
        str(output),
        "--questions",
        "4",
        *more,
    ]


@pytest.mark.slow
def test_students_are_held_against_their_base(folders, tmp_path, capsys):
    more = [f"--student=same={folders['same']}", f"--student=other={folders['other']}"]
    assert status(*arguments(folders, tmp_path, *more)) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'latent.md'}\n"
    assert "same: no weights of perspectives" in captured.err
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert sorted(files) == sorted([*TABLES, *PICTURES, "latent.md"])
    assert all(files[name].startswith(b"\x89PNG") for name in PICTURES)

    sections = files["latent.md"].decode().split("\n## ")[1:]
    assert all(f"Measured on: {escape(machine_line(process_manifest()))}." in section for section in sections)

    table = {name: pd.read_csv(tmp_path / name) for name in TABLES}
    similarity = table["similarity.csv"].set_index("student")
    assert similarity.loc["same", "cka"].min() == pytest.approx(1.0)
    assert similarity.loc["same", "shift"].max() == 0.0
    assert similarity.loc["other", "shift"].max() > 0.5
    assert set(similarity["texts"]) == {"rationales", "questions", "ood", "chat", "summarisation"}
    assert set(similarity["layer"]) == {0, 1, 2}
    kl = table["divergence.csv"].groupby("student")["kl"]
    assert kl.max()["same"] == 0.0 < kl.min()["other"]
    consistency = table["consistency.csv"].set_index("reader")
    assert consistency.loc["same", "divergence_change"] == 0.0
    assert consistency.loc["same", ["agreement_change_low", "agreement_change_high"]].isna().all()
    assert consistency.loc["other", "divergence_change_low"] < consistency.loc["other", "divergence_change"]
    assert consistency.loc["same", "divergence"] == consistency.loc["base", "divergence"]
    separability = table["separability.csv"]
    assert separability["reader"].tolist() == ["length", "text encoder", *["base"] * 2, *["same"] * 2, *["other"] * 2]
    assert (separability["n"] == 11).all()
    preference = table["preference.csv"]
    assert set(preference["student"]) == {"other"}
    assert (preference["alpha/b"] == 0.75).all()

    summary = files["latent.md"].decode()
    for heading in ("Separability", "Consistency", "Structure kept", "Forgetting", "Preference over training"):
        assert f"## {heading}" in summary
    assert str(tmp_path) not in summary

    # again: the same bytes, and no model reads anything
    read = latent_session.read_corpus, latent_session.read_documents, latent_session.token_divergence
    with pytest.MonkeyPatch.context() as patch:
        for function in read:
            patch.delattr(latent_session, function.__name__)
        assert status(*arguments(folders, tmp_path, *more)) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == files


def test_an_interrupted_analysis_goes_on(folders, tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    more = [f"--student=other={folders['other']}"]
    monkeypatch.setattr(latent_session, "token_divergence", interrupted)
    assert status(*arguments(folders, tmp_path, *more)) == 130
    assert "go on with: offbook analyse-latent" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.delattr(latent_session, "read_corpus")
    assert status(*arguments(folders, tmp_path, *more)) == 0
    assert (tmp_path / "latent.md").is_file()


def test_without_students_the_texts_are_told_apart(folders, tmp_path):
    assert status(*arguments(folders, tmp_path)) == 0
    found = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert found == ["consistency.csv", "latent.md", "map-base.png", "separability.csv"]


def test_no_test_item_is_read(folders, tmp_path, monkeypatch):
    splits = []
    for name, place in (("documents", 1), ("load_prompts", 0)):
        function = getattr(latent_session, name)
        monkeypatch.setattr(
            latent_session, name, lambda *a, f=function, place=place: (splits.append(a[place]), f(*a))[1]
        )
    assert status(*arguments(folders, tmp_path)) == 0
    assert set(splits) == {"dev", "train"}


def test_a_student_of_another_shape_is_refused(folders, tmp_path, capsys):
    folder = save_tiny(tmp_path / "deeper")
    tiny_model(num_hidden_layers=3).save_pretrained(folder)
    assert status(*arguments(folders, tmp_path / "out", f"--student=deeper={folder}")) == 2
    assert "--student deeper: expected [2, 32, 258] of the base model" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["mind", "mind=", "=folder", "base=folder", "a b=folder", "../x=folder"])
def test_students_are_given_as_name_and_folder(setting):
    with pytest.raises(ValueError, match="expected NAME=FOLDER"):
        parse_students([setting])


def test_two_students_of_one_name_are_refused():
    assert parse_students(["a=x", "b=y=z"]) == {"a": "x", "b": "y=z"}
    with pytest.raises(ValueError, match="not given twice"):
        parse_students(["a=x", "a=y"])


def test_a_missing_student_is_told_before_anything_is_read(folders, tmp_path, capsys):
    assert status(*arguments(folders, tmp_path, "--student=mind=nowhere/mind")) == 2
    assert "--student mind: expected a folder, got nowhere/mind" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_told_in_one_line(folders, tmp_path, capsys, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "sklearn" else real(name, *a))
    assert status(*arguments(folders, tmp_path)) == 2
    assert 'run `pip install "offbook[analysis]"`' in capsys.readouterr().err


def test_one_question_cannot_be_analysed(folders, tmp_path, capsys):
    path = tmp_path / "one.jsonl"
    path.write_text(folders["corpus"].read_text().splitlines()[0] + "\n")
    assert status("analyse-latent", f"--corpus={path}", f"--output={tmp_path}") == 2
    assert "expected at least two questions" in capsys.readouterr().err


def test_questions_are_spread_over_families_of_the_development_split():
    corpus = read_questions(None, 14)
    assert {question.category for question in corpus.questions} == set(FAMILIES)
    assert all("-dev-" in question.id for question in corpus.questions)
    assert spread(range(10), 4) == [0, 2, 5, 7]
    assert spread(range(3), 9) == [0, 1, 2]
