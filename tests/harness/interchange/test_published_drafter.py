"""A trained drafter in its authors' layout: whoever takes it over drafts as the original does."""

import json
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.draft_tensors import TOKEN_IDS
from offbook.harness.cli.main import main
from offbook.harness.interchange import published_drafter
from offbook.harness.records.drafter import DrafterId
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.drafter_info import fingerprint
from offbook.harness.roster.target import Target, load_target
from tests.tiny import save_tiny

LAYOUTS = {"eagle2": "EAGLE-1 or EAGLE-2", "eagle3": "EAGLE-3", "jakiro": "Jakiro"}
TRAINING = ("--answers", "regenerate", "--limit", "4", "--epochs", "1", "--draft-vocab-size", "64", "--device", "cpu")


def status(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny", max_position_embeddings=4096)


@pytest.fixture(scope="module")
def target(model) -> Target:
    return load_target(str(model), device="cpu", layout="transformers")


@pytest.fixture(scope="module", params=LAYOUTS)
def trained(request, model, tmp_path_factory) -> tuple[str, Path]:
    """Of each layout a drafter whose vocabulary is a part of its target's."""
    folder = tmp_path_factory.mktemp("trained") / request.param
    assert status("train-drafter", request.param, "--model", model, *TRAINING, "--output", folder) == 0
    return request.param, folder


def answered(target: Target, name: str, folder: Path, temperature: float) -> Generation:
    _, arm = build_arms(target, ["autoregressive", name], drafter_folders={name: folder})
    return arm.decoder.generate(
        target.prompt("Once upon a time there was", templated=False),
        sampling=Sampling(temperature=temperature),
        limits=target.limits(48),
        generator=target.generator(0),
    )


def test_a_drafter_exported_and_imported_again_decodes_identically(trained, model, target, tmp_path, capsys):
    name, folder = trained
    assert status("export", "drafter", folder, "--output", tmp_path / "published") == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "published")
    assert LAYOUTS[name] in told.err
    assert status("import-drafter", tmp_path / "published", "--model", model, "--output", tmp_path / "again") == 0
    for temperature in (0.0, 1.0):
        original, again = (answered(target, name, place, temperature) for place in (folder, tmp_path / "again"))
        assert again.tokens == original.tokens
        assert again.rounds == original.rounds
        assert sum(drafted for drafted, *_ in original.rounds) > 0, "somebody drafted"


def test_the_export_holds_the_same_numbers_and_names_no_place(trained, tmp_path):
    _, folder = trained
    assert status("export", "drafter", folder, "--output", tmp_path / "published") == 0
    ours, theirs = (load_file(place / "model.safetensors") for place in (folder, tmp_path / "published"))
    for name, tensor in ours.items():
        assert name == TOKEN_IDS or tensor.equal(theirs[name])
    assert set(theirs) - set(ours) <= {"d2t", "t2d"}
    config = json.loads((tmp_path / "published" / "config.json").read_text())
    assert config["hidden_size"] == 32
    assert "bias" not in config, "engines would look for biases of attention"
    assert str(tmp_path) not in json.dumps(config)


def test_its_card_says_what_it_is_how_it_was_trained_and_what_it_did_in_a_heat(
    trained, model, tmp_path, make_heat, make_record
):
    name, folder = trained
    plain, fast = make_heat()
    spec = fast.record.spec.model_copy(update={"drafter": DrafterId(sha256=fingerprint(folder))})
    drafted = make_record(spec, drafter=fast.record.drafter)
    Store(tmp_path / "records").commit([(plain.record, plain.rows), (drafted, fast.rows)])
    place = tmp_path / "card"
    assert status("export", "card", folder, "--records", tmp_path / "records", "--output", place) == 0
    card = ModelCard((place / "README.md").read_text(encoding="utf-8"))
    assert (card.data.library_name, card.data.tags) == ("offbook", ["offbook", "speculative-decoding", name])
    assert f"# {name}: a drafter for " in card.text
    assert "| Draft vocabulary | " in card.text
    assert "| Epochs | 1 |" in card.text
    assert [line for line in card.text.splitlines() if line.startswith("| eagle2 ") and "1.67" in line]
    assert "identical 2/2" in card.text.partition("## Is decoding with it lossless?")[2]
    assert str(folder.parent) not in card.text
    assert str(model.parent) not in card.text


def test_an_export_may_be_written_again_and_the_drafter_itself_is_never_written_over(trained, tmp_path, capsys):
    _, folder = trained
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for _ in range(2):
        assert status("export", "drafter", folder, "--output", tmp_path / "published") == 0
    assert status("export", "drafter", folder, "--output", folder) == 2
    assert "expected a new folder or an exported drafter" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_what_a_layout_has_no_place_for_is_refused(trained, tmp_path, monkeypatch, capsys):
    _, folder = trained
    monkeypatch.setattr(published_drafter, "variant_of", lambda _: {"second": "none"})
    assert status("export", "drafter", folder, "--output", tmp_path / "published") == 2
    assert "got a variant of" in capsys.readouterr().err
    assert not (tmp_path / "published").exists()


def test_a_drafter_that_was_edited_is_refused(trained, tmp_path, capsys):
    _, folder = trained
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "model.safetensors"):
        (copy / name).write_bytes((folder / name).read_bytes())
    (copy / "config.json").write_text((copy / "config.json").read_text().replace('"target"', '"target" '))
    assert status("export", "drafter", copy, "--output", tmp_path / "published") == 0, "spaces say nothing"
    told = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**told, "vocab_size": told["vocab_size"] + 1}))
    assert status("export", "drafter", copy, "--output", tmp_path / "other") == 2
    assert "was changed after it was written" in capsys.readouterr().err


def test_what_is_no_drafter_is_refused_in_one_line(model, tmp_path, capsys):
    assert status("export", "drafter", model, "--output", tmp_path / "published") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "expected a drafter's config" in line
