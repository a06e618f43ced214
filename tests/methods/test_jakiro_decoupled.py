"""Decoupled experts: what each head is alone, what it is trained on, and that it is trained alone."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.drafters.batch import DraftBatch
from offbook.engine.drafters.checkpoint import draft_config
from offbook.engine.drafters.feature_objective import one_pass
from offbook.engine.drafters.loss import branch_loss
from offbook.methods.jakiro.decoupled import ARCHITECTURE, PUBLISHED, architecture, guesses, objective
from offbook.methods.jakiro.decoupled_experts import DecoupledNetwork, parted
from tests.engine.decoupled_drafters import drafter, network
from tests.engine.targets import VOCABULARY, target

T = 7
IDS = torch.arange(0, VOCABULARY, 2)


def batch(seed: int = 0) -> DraftBatch:
    """Two sequences of T + 1 tokens, of which some rows count, without noise, fp64."""
    backbone, generator = target(), torch.Generator().manual_seed(seed)
    tokens = IDS[torch.randint(len(IDS), (2, T + 1), generator=generator)]
    features = torch.randn(2, T + 1, backbone.embedding_VH.shape[1], generator=generator, dtype=torch.float64)
    counts = torch.zeros(2, T, dtype=torch.bool)
    counts[0, 2:], counts[1, 4:6] = True, True
    return DraftBatch(
        tokens_BS=tokens,
        embeds_BTH=functional.embedding(tokens[:, 1:], backbone.embedding_VH).detach(),
        inputs_BTF=features[:, :-1],
        features_BSH=features,
        following_BT=counts,
        later_BT=counts,
    )


def head() -> DraftHead:
    return DraftHead(target().head_VH, IDS)


def predicted(net: nn.Module, held: DraftBatch) -> torch.Tensor:
    rows = held.embeds_BTH.shape[1]
    visible = torch.ones(2, rows, rows, dtype=torch.bool).tril()
    found, later = net(held.embeds_BTH, held.inputs_BTF, torch.arange(rows).expand(2, rows), visible)
    assert later is None
    return found


class Alone(nn.Module):
    """A feed-forward of one expert."""

    def __init__(self, expert: nn.Module) -> None:
        super().__init__()
        self.expert = expert

    def forward(self, u_BTH: torch.Tensor, *, contrast: bool) -> tuple[torch.Tensor, None]:
        return self.expert.proj(functional.gelu(self.expert.fc(u_BTH))), None


def alone(net: DecoupledNetwork, expert: int) -> DraftNetwork:
    """EAGLE's draft layer whose feed-forward is one of the experts."""
    found = DraftNetwork(net.config, Alone(net.layers[0].mlp_moe.experts[expert]), "mlp").double()
    found.fc.load_state_dict(net.fc.state_dict())
    for name in ("self_attn", "post_attention_layernorm"):
        getattr(found.layers[0], name).load_state_dict(getattr(net.layers[0], name).state_dict())
    return found


def test_parameters_are_named_and_sized_as_in_the_released_code():
    config = draft_config(target())
    shapes = {name: tuple(p.shape) for name, p in ARCHITECTURE.build(config).named_parameters()}
    hidden, inner = config.hidden_size, config.intermediate_size
    assert shapes["layers.0.mlp_moe.gate.weight"] == (2, hidden)
    for expert in (0, 1):
        assert shapes[f"layers.0.mlp_moe.experts.{expert}.fc.weight"] == (inner, hidden)
        assert shapes[f"layers.0.mlp_moe.experts.{expert}.proj.weight"] == (hidden, inner)
    assert not any("mlp_moe" in name and "bias" in name for name in shapes)
    more = architecture(experts=4, variant={"experts": 4})
    assert more.variant == {"experts": 4}
    assert len(more.build(config).layers[0].mlp_moe.experts) == 4


def test_the_published_tree_is_eagles_and_one_node_below():
    depths = [len(path) for path in PUBLISHED.paths]
    assert [depths.count(depth) for depth in range(1, 7)] == [4, 8, 8, 3, 2, 1]
    for count in range(1, 27):
        assert len(PUBLISHED.first(count).paths) == count  # each with its beginnings, or it were refused


@pytest.mark.parametrize("experts", [2, 3])
def test_each_experts_prediction_is_that_of_a_draft_layer_with_no_other_expert(experts):
    net, held = network(target(), experts=experts), batch()
    features, log_weights = parted(predicted(net, held))
    assert features.shape[2] == log_weights.shape[2] == experts
    for expert in range(experts):
        torch.testing.assert_close(features[:, :, expert], predicted(alone(net, expert), held))
    assert not torch.allclose(features[:, :, 0], features[:, :, 1], atol=0.1)


def test_weights_are_the_gates_softmax_of_what_the_experts_read():
    net, held = network(target()), batch()
    read = []
    net.layers[0].post_attention_layernorm.register_forward_hook(lambda *found: read.append(found[2]))
    _, log_weights = parted(predicted(net, held))
    expected = functional.linear(read[0], net.layers[0].mlp_moe.gate.weight).softmax(dim=-1)
    torch.testing.assert_close(log_weights.exp(), expected)
    assert float(expected.max(dim=-1).values.min()) < 0.9 < float(expected.max()), "weights differ from row to row"


def by_hand(net: DecoupledNetwork, held: DraftBatch) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The loss of each expert's head alone, and the cross-entropy of the mixture, row by row in plain arithmetic."""
    features, log_weights = parted(predicted(net, held))
    singles: list[list[torch.Tensor]] = [[] for _ in range(features.shape[2])]
    mixed = []
    for b, t in held.following_BT.nonzero().tolist():
        f = held.features_BSH[b, t + 1]
        p = (head().weight_DH @ f).softmax(dim=0)
        laws = [(head().weight_DH @ features[b, t, k]).softmax(dim=0) for k in range(len(singles))]
        for k, law in enumerate(laws):
            error = (features[b, t, k] - f).abs()
            regression = torch.where(error < 1, error**2 / 2, error - 0.5).mean()
            singles[k].append(regression - 0.1 * (p * law.log()).sum())
        q = sum(weight * law for weight, law in zip(log_weights[b, t].exp(), laws, strict=True))
        mixed.append(-(p * q.log()).sum())
    return [torch.stack(one).mean() for one in singles], torch.stack(mixed).mean()


@pytest.mark.parametrize("experts", [2, 3])
def test_the_loss_is_that_of_each_head_alone_and_of_the_mixture(experts):
    net, held = network(target(), experts=experts), batch()
    singles, mixed = by_hand(net, held)
    assert len(singles) == experts
    expected = sum(singles) + 0.1 * mixed
    torch.testing.assert_close(objective(net, held, head()).double(), expected, rtol=1e-5, atol=0)


def gradients(net: DecoupledNetwork, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    names, weights = zip(*net.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, weights, allow_unused=True, retain_graph=True)
    return {name: one for name, one in zip(names, found, strict=True) if one is not None and bool(one.any())}


def test_the_mixture_teaches_the_gate_and_nothing_else_and_no_head_hears_of_another():
    net, held = network(target()).requires_grad_(), batch()
    whole = gradients(net, objective(net, held, head()))
    features, _ = parted(predicted(net, held)[held.following_BT])
    wanted = held.features_BSH[:, 1:][held.following_BT]
    losses = [branch_loss(features[:, k], wanted, head().weight_DH) for k in range(2)]
    singles = [gradients(net, one.regression + 0.1 * one.classification) for one in losses]
    assert whole.keys() - singles[0].keys() - singles[1].keys() == {"layers.0.mlp_moe.gate.weight"}
    assert whole.pop("layers.0.mlp_moe.gate.weight").abs().max() > 1e-6
    for name, gradient in whole.items():
        torch.testing.assert_close(gradient, sum(one[name] for one in singles if name in one), rtol=1e-5, atol=1e-8)
    for mine, other in ((0, 1), (1, 0)):
        assert not any(f"experts.{other}." in name for name in singles[mine])


def test_a_batch_without_rows_that_count_has_no_loss_and_no_nan():
    net, held = network(target()).requires_grad_(), batch()
    none = torch.zeros_like(held.following_BT)
    loss = objective(net, dataclasses.replace(held, following_BT=none, later_BT=none), head())
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert all(p.grad is None or not p.grad.any() for p in net.parameters())


@torch.inference_mode()
def test_guesses_are_the_mixtures():
    net, held = network(target()), batch()
    features, log_weights = parted(predicted(net, held))
    laws = (features @ head().weight_DH.T).softmax(dim=-1)
    mixture = (log_weights.exp()[..., None] * laws).sum(dim=2)
    found = guesses(net, held, head(), 3)
    assert found.equal(IDS[mixture.topk(3, dim=-1).indices])
    firsts = {tuple(laws[:, :, k].argmax(dim=-1).flatten().tolist()) for k in range(2)}
    assert len(firsts) == 2, "the experts have guesses of their own"


@torch.inference_mode()
def test_what_is_trained_at_a_row_is_what_is_drafted_behind_it():
    held, made = batch(), drafter(target(), PUBLISHED)
    trained = one_pass(made.network, held)
    for rows in range(1, T + 1):
        made.begin(held.tokens_BS[:1, :1], capacity=20)
        made.observe(held.tokens_BS[0, 1 : rows + 1], held.features_BSH[0, :rows], rows)
        torch.testing.assert_close(made._extended.following_R[0], trained[0, rows - 1])
