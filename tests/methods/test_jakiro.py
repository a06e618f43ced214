"""What is Jakiro's own: parameter names and number, the contrast, the loss."""

import torch

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.loss import BranchLoss
from offbook.methods.jakiro.drafter import ARCHITECTURE
from offbook.methods.jakiro.losses import loss

H, KV = 16, 8
CONFIG = DraftConfig(
    hidden_size=H,
    intermediate_size=40,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=4,
    rms_norm_eps=1e-5,
    rope_theta=1e4,
)


def test_parameters_are_named_and_counted_as_in_the_released_checkpoints():
    network = ARCHITECTURE.build(CONFIG)
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    assert shapes["layers.0.mlp_moe.gate.weight"] == (4, H)
    for expert in (0, 1):
        for projection in ("gate_proj", "up_proj", "down_proj"):
            assert shapes[f"layers.0.mlp_moe.experts.{expert}.{projection}.weight"] == (H, H)
    assert shapes["fc.weight"] == (H, 2 * H)
    assert {"fc.bias", "layers.0.post_attention_layernorm.weight", "layers.0.self_attn.q_proj.weight"} <= shapes.keys()
    assert not any("input_layernorm" in name or "embed" in name or "lm_head" in name for name in shapes)
    assert sum(p.numel() for p in network.parameters()) == 4 * H**2 + 2 * H * KV + 6 * H**2 + 4 * H + H + H


def test_both_predictions_share_the_residual_and_the_attention():
    torch.manual_seed(0)
    network = ARCHITECTURE.build(CONFIG)
    with torch.no_grad():
        for name, p in network.named_parameters():
            if "down_proj" in name:
                p.zero_()
    rows = torch.randn(1, 3, H)
    visible = torch.ones(1, 3, 3, dtype=torch.bool).tril()
    following, later = network(rows, rows, torch.arange(3)[None], visible, contrast=True)
    torch.testing.assert_close(following, later)


def test_the_loss_weighs_the_contrast_half_and_the_tokens_a_tenth():
    one, two, three, four = (torch.tensor(x) for x in (1.0, 2.0, 3.0, 4.0))
    total = loss(BranchLoss(regression=one, classification=two), BranchLoss(regression=three, classification=four))
    torch.testing.assert_close(total, torch.tensor(1.0 + 0.5 * 3.0 + 0.1 * (2.0 + 0.5 * 4.0)))
