"""`offbook certify` from the command line: who may be meant, the exit status, and what is refused."""

import json
import sys

import pytest

from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.harness.artifacts import drafters
from offbook.harness.certificates.report import Part, Report
from offbook.harness.cli.main import main
from offbook.harness.roster.asked_for import asked_for
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.drafter_info import fingerprint
from offbook.harness.roster.target import load_target
from tests.tiny import save_tiny

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
    (tmp_path / "folder" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    assert status("certify", str(tmp_path / "folder")) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "take a published one over with `offbook import-drafter`, or name a draft model with --option draft" in line


def test_a_drafter_whose_model_lay_in_a_folder_asks_for_that(tmp_path, capsys):
    folder = tmp_path / "drafter"
    folder.mkdir()
    (folder / "config.json").write_text('{"architecture": "eagle2", "target": {"name": "my model"}}')
    assert status("certify", str(folder), "--output", str(tmp_path / "c")) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "no model 'my model'" in line
    assert "was trained for it: name its folder with --model" in line
    assert status("certify", str(folder), "--model", "my model", "--output", str(tmp_path / "c")) == 2
    assert "was trained for it" not in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


POINTS = '[project.entry-points."offbook.contenders"]\n'


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A contender's package that is not installed; gives the folder, and takes its entry points and source folder."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def make(points: str, place: str = "."):
        folder = tmp_path / "offbook-theirs"
        (folder / place).mkdir(parents=True)
        (folder / "pyproject.toml").write_text(points)
        (folder / place / "packaged_decoder.py").write_text(
            "import dataclasses\nfrom offbook.harness.roster.decoders import DECODERS\n"
            "CONTENDER = dataclasses.replace(DECODERS['suffix'], name='theirs')\n"
        )
        return folder

    yield make
    sys.modules.pop("packaged_decoder", None)


@pytest.mark.parametrize("place", [".", "src"])
def test_a_package_is_asked_for_by_its_folder(package, place, tiny_folder, tmp_path, capsys):
    folder = package(f'{POINTS}theirs = "packaged_decoder:CONTENDER"\n', place)
    asked = ("--model", str(tiny_folder), "--device", "cpu", "--output", str(tmp_path / "c"), *SMALL)
    assert status("certify", str(folder), *asked, "--option", "nodes=3") == 0
    assert capsys.readouterr().out.startswith("theirs (nodes 3, ")


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        ("[project]\nname = 'x'\n", "expected an entry point of offbook.contenders, got none"),
        ("[project\n", "expected an entry point of offbook.contenders, got none"),
        (
            "[project.entry-points]\n'offbook.contenders' = 3\n",
            "expected an entry point of offbook.contenders, got none",
        ),
        (f"{POINTS}a = 'm:A'\nb = 'm:B'\n", "expected one entry point of offbook.contenders, got m:A, m:B; name it as"),
        (f"{POINTS}a = 'packaged_decoder:NOBODY'\n", "expected it to load, got AttributeError"),
        (f"{POINTS}a = 'packaged_decoder'\n", "expected it to load, got AttributeError"),
    ],
)
def test_a_package_without_one_contender_is_refused_in_a_line(package, points, complaint, capsys):
    assert status("certify", str(package(points))) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert complaint in line


@pytest.mark.parametrize("mode", ["hf_generate", "hf_prompt_lookup", "hf_assisted"])
def test_a_model_and_one_of_transformers_modes_are_a_pair(mode, tiny_folder, tmp_path, capsys):
    small = save_tiny(tmp_path / "small", seed=1, hidden_size=16, intermediate_size=24, num_hidden_layers=1)
    draft = ("--option", f"draft={small}") if mode == "hf_assisted" else ()
    asked = ("--model", str(tiny_folder), "--device", "cpu", "--output", str(tmp_path / "c"), *SMALL)
    assert status("certify", mode, *asked, *draft) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{mode} " if mode == "hf_generate" else f"{mode} (")
    assert "layout transformers" in told
    assert ("draft small" in told) == (mode == "hf_assisted")


def test_a_trained_drafters_folder_and_who_else_takes_it(tiny_folder, tmp_path, capsys):
    target = load_target(str(tiny_folder), device="cpu", layout="transformers")
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    folder = drafters.train(contender("eagle2"), target, answers, config, tmp_path / "drafter")
    asked = ("--model", str(tiny_folder), "--device", "cpu", "--output", str(tmp_path / "c"), *SMALL)
    assert status("certify", str(folder), *asked) == 0
    assert capsys.readouterr().out.startswith("eagle2 (")
    assert status("certify", "eagle", "--drafter", str(folder), *asked) == 0
    assert capsys.readouterr().out.startswith("eagle (")
    held = json.loads((tmp_path / "c" / "certificate.json").read_text())
    assert held["subject"]["drafter_sha256"] == fingerprint(folder)
