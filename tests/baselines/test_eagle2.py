"""What is EAGLE-2's own: parameter names and number, the loss."""

import torch

from offbook.baselines.decoding.eagle2 import ARCHITECTURE, loss
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.loss import BranchLoss

H, KV, I = 16, 8, 40
CONFIG = DraftConfig(
    hidden_size=H,
    intermediate_size=I,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=4,
    rms_norm_eps=1e-5,
    rope_theta=1e4,
)


def test_parameters_are_named_and_counted_as_in_public_checkpoints():
    network = ARCHITECTURE.build(CONFIG)
    names = {name for name, _ in network.named_parameters()}
    assert {f"layers.0.mlp.{p}_proj.weight" for p in ("gate", "up", "down")} <= names
    assert sum(p.numel() for p in network.parameters()) == 4 * H**2 + 2 * H * KV + 3 * H * I + H + H


def test_there_is_no_second_prediction():
    network = ARCHITECTURE.build(CONFIG)
    rows = torch.randn(1, 2, H)
    _, later = network(rows, rows, torch.arange(2)[None], torch.ones(1, 2, 2, dtype=torch.bool).tril(), contrast=True)
    assert later is None


def test_the_loss_weighs_tokens_a_tenth():
    branch = BranchLoss(regression=torch.tensor(1.0), classification=torch.tensor(2.0))
    torch.testing.assert_close(loss(branch, None), torch.tensor(1.2))
