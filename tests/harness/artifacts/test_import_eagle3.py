"""A published EAGLE-3 imported: its own head and vocabulary, the states that its config names, the target's answers."""

import json

import pytest
import torch

from offbook.engine.decoding.draft_head import OwnHead
from offbook.engine.decoding.feature_draft import FeatureDrafter
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import load_target
from tests.engine.drafters.test_published_taps import network_tensors
from tests.harness.artifacts.test_import_drafter import answer, status
from tests.published import VOCABULARY, published_config, save_published

KEPT = [i for i in range(VOCABULARY) if i % 5]


@pytest.fixture
def source(tmp_path):
    """Three states of the tiny target's two layers, and a draft vocabulary of its own."""
    tensors = network_tensors(rows=len(KEPT))
    tensors["d2t"] = torch.tensor(KEPT) - torch.arange(len(KEPT))
    tensors["t2d"] = torch.tensor([bool(i % 5) for i in range(VOCABULARY)])
    config = published_config(draft_vocab_size=len(KEPT), eagle_aux_hidden_state_layer_ids=[0, 1, 1])
    return save_published(tmp_path / "source", tensors, config), tensors


def test_it_decodes_what_the_target_says_from_its_own_head_over_its_own_tokens(source, tiny_folder, tmp_path, capsys):
    folder, tensors = source
    assert status("import-drafter", folder, "--model", tiny_folder, "--output", tmp_path / "d") == 0
    assert "EAGLE-3, " in capsys.readouterr().err
    target = load_target(tiny_folder, device="cpu")
    plain, arm = build_arms(target, ["autoregressive", "eagle3"], drafter_folders={"eagle3": tmp_path / "d"})
    assert answer(target, arm) == answer(target, plain)
    drafter = arm.decoder.drafter
    assert isinstance(drafter, FeatureDrafter)
    assert tuple(drafter.taps) == (0, 1, 1)
    assert isinstance(drafter.head, OwnHead)
    assert drafter.head.token_ids.tolist() == KEPT
    assert torch.equal(drafter.network.lm_head.weight, tensors["lm_head.weight"])
    assert arm.drafter.imported_from == "EAGLE-3"
    assert arm.drafter.parameters == sum(t.numel() for name, t in tensors.items() if name not in ("d2t", "t2d"))


def test_a_layer_that_adds_to_its_normed_feature_stays_one(source, tiny_folder, tmp_path):
    folder, _ = source
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"norm_before_residual": True}))
    assert status("import-drafter", folder, "--model", tiny_folder, "--output", tmp_path / "d") == 0
    target = load_target(tiny_folder, device="cpu")
    plain, arm = build_arms(target, ["autoregressive", "eagle3"], drafter_folders={"eagle3": tmp_path / "d"})
    assert answer(target, arm) == answer(target, plain)
    assert arm.decoder.drafter.network.config.norm_before_residual


def test_another_number_of_states_than_eagle_3_reads_is_refused(tiny_folder, tmp_path, capsys):
    tensors = network_tensors(rows=VOCABULARY, taps=2)
    config = published_config(eagle_aux_hidden_state_layer_ids=[0, 1])
    folder = save_published(tmp_path / "source", tensors, config)
    assert status("import-drafter", folder, "--model", tiny_folder, "--output", tmp_path / "d") == 2
    assert "expected a draft model of 3 of the target's hidden states, got one of [0, 1]" in capsys.readouterr().err
