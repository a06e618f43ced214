"""What is Jakiro's own: parameter names and number, the contrast, the loss."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.loss import BranchLoss
from offbook.methods.jakiro.decoupled_experts import DecoupledExperts
from offbook.methods.jakiro.drafter import ARCHITECTURE, architecture
from offbook.methods.jakiro.experts import Experts
from offbook.methods.jakiro.losses import weighed

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


@pytest.mark.parametrize(("weighting", "contrast"), [("code", 0.5), ("paper", 1.0)])
def test_the_loss_weighs_tokens_a_tenth_and_the_contrast_as_code_or_paper_has_it(weighting, contrast):
    one, two, three, four = (torch.tensor(x) for x in (1.0, 2.0, 3.0, 4.0))
    following, later = BranchLoss(regression=one, classification=two), BranchLoss(regression=three, classification=four)
    total = weighed(weighting)(following, later)
    torch.testing.assert_close(total, torch.tensor(1.0 + contrast * 3.0 + 0.1 * (2.0 + 0.5 * 4.0)))
    torch.testing.assert_close(weighed(weighting)(following, None), torch.tensor(1.0 + 0.1 * 2.0))


@pytest.mark.parametrize("experts", [3, 5])
def test_more_experts_are_gated_two_at_a_time(experts):
    torch.manual_seed(0)
    network = architecture(experts=experts).build(CONFIG)
    moe = network.layers[0].feed_forward
    assert moe.gate.weight.shape == (2 * experts, H)
    assert len(moe.experts) == experts
    u = torch.randn(1, 7, H)
    mixture, contrast = moe(u, contrast=True)
    for row in range(7):
        g, outputs = moe.gate(u[0, row]), [expert(u[0, row]) for expert in moe.experts]
        (a, b), (i, j) = (found.tolist() for found in g[:experts].topk(2))
        share = 1 / (1 + math.exp(b - a))
        torch.testing.assert_close(mixture[0, row], share * outputs[i] + (1 - share) * outputs[j])
        (a, b), (i, j) = (found.tolist() for found in g[experts:].topk(2))
        share = 1 / (1 + math.exp(b - a))
        torch.testing.assert_close(contrast[0, row], share * outputs[i] - (1 - share) * outputs[j])


@pytest.mark.parametrize(
    ("layer", "asked"), [(Experts(CONFIG), {"contrast": True}), (DecoupledExperts(CONFIG, count=2), {})]
)
def test_products_that_a_layout_has_exchanged_are_those_that_run(layer, asked):
    u, called = torch.randn(1, 3, H), []
    expected = layer(u, **asked)
    linears = [module for module in layer.modules() if isinstance(module, nn.Linear)]
    for linear in linears:
        linear.__dict__["forward"] = lambda x, w=linear.weight: (called.append(w), functional.linear(x, w))[1]
    torch.testing.assert_close(layer(u, **asked), expected)
    assert {id(w) for w in called} == {id(linear.weight) for linear in linears}


def test_the_ablations_switches_are_part_of_network_and_tree():
    torch.manual_seed(0)
    networks = [architecture(second=second).build(CONFIG) for second in ("contrast", "mixture")]
    networks[1].load_state_dict(networks[0].state_dict())
    rows, visible = torch.randn(1, 3, H), torch.ones(1, 3, 3, dtype=torch.bool).tril()
    found = [net(rows, rows, torch.arange(3)[None], visible, contrast=True) for net in networks]
    torch.testing.assert_close(found[0][0], found[1][0])
    assert not torch.allclose(found[0][1], found[1][1])
    assert architecture(second="mixture").contrast, "its last two levels come from one pass"
    assert not architecture(second="none").contrast
