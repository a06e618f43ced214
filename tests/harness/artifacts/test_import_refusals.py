"""Draft models that `offbook import-drafter` does not take: one line that says why, and nothing is written."""

import pytest
import torch

from offbook.harness.artifacts import import_drafter
from offbook.harness.roster.decoders import contender
from tests.harness.artifacts.test_import_drafter import status
from tests.published import published_tensors, random_tensors, save_published
from tests.tiny import save_tiny

NOT_IMPORTED = {
    "a starred one": ({"layers.0.mlp_moe.gate.weight": (2, 32)}, "got Jakiro*; "),
    "heads of another kind": ({"hydra_mlp.0.1.linear.weight": (32, 64)}, "got Hydra; "),
    "nothing known": ({"x": (2,)}, "got others ('x'); check the path"),
    "a key too much": ({name: t.shape for name, t in published_tensors().items()} | {"y": (1,)}, "no place for 'y'"),
}


@pytest.mark.parametrize("what", NOT_IMPORTED)
def test_what_is_not_read_is_told_in_a_line_and_leaves_nothing(what, tiny_folder, tmp_path, capsys):
    shapes, complaint = NOT_IMPORTED[what]
    source = save_published(tmp_path / "source", random_tensors(shapes))
    capsys.readouterr()
    assert status("import-drafter", source, "--model", tiny_folder, "--output", tmp_path / "d") == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    assert complaint in line
    assert not (tmp_path / "d").exists()


def test_a_format_that_no_decoder_takes_is_named_before_a_model_is_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(import_drafter, "contenders", lambda: {"eagle2": contender("jakiro")})
    monkeypatch.setattr(import_drafter, "load_target", lambda *a, **k: pytest.fail("a model was loaded"))
    source = save_published(tmp_path / "source")
    assert status("import-drafter", source, "--model", "tiny") == 2
    line = capsys.readouterr().err
    assert "a decoder of `offbook ls` takes, got EAGLE-1 or EAGLE-2, which none takes; update offbook" in line


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t * float("nan"), "expected finite weights, got NaN or infinity in layers.0.mlp.up_proj.weight"),
        (lambda t: t.to(torch.int8), "got layers.0.mlp.up_proj.weight in int8, as quantised weights are"),
        (lambda t: t.to(torch.float8_e4m3fn), "got layers.0.mlp.up_proj.weight in float8_e4m3fn, as quantised"),
    ],
)
def test_weights_that_are_no_numbers_are_refused_by_name(spoil, complaint, tiny_folder, tmp_path, capsys):
    tensors = published_tensors()
    tensors["layers.0.mlp.up_proj.weight"] = spoil(tensors["layers.0.mlp.up_proj.weight"])
    source = save_published(tmp_path / "source", tensors, weights="model.safetensors")
    assert status("import-drafter", source, "--model", tiny_folder, "--output", tmp_path / "d") == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_a_draft_model_of_a_wider_target_is_refused(tmp_path, capsys):
    wide = str(save_tiny(tmp_path / "wide", vocab_size=300))
    assert status("import-drafter", save_published(tmp_path / "s"), "--model", wide, "--output", tmp_path / "d") == 2
    assert "for the target's width 32 and vocabulary 300, got one for 32 and 258" in capsys.readouterr().err


def test_one_that_was_imported_is_for_that_target_alone(tiny_folder, tmp_path, capsys):
    folder = tmp_path / "d"
    assert status("import-drafter", save_published(tmp_path / "s"), "--model", tiny_folder, "--output", folder) == 0
    other = str(save_tiny(tmp_path / "other", seed=1))
    assert status("generate", "hi", "--model", other, "--decoder", "eagle2", "--drafter", folder) == 2
    assert "got one trained for tiny" in capsys.readouterr().err
    assert status("import-drafter", folder, "--model", other, "--output", tmp_path / "again") == 2
    assert "got offbook's own; it is a drafter already: take it with --drafter" in capsys.readouterr().err


def test_its_own_source_is_no_place_for_it(tiny_folder, tmp_path, capsys):
    source = save_published(tmp_path / "source")
    before = {path: path.read_bytes() for path in source.iterdir()}
    assert status("import-drafter", source, "--model", tiny_folder, "--output", source) == 2
    assert "expected a drafter's folder or a new one, got a model's (config.json)" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in source.iterdir()} == before
