"""The expert pair against its equations, written out scalar by scalar."""

import math

import pytest
import torch

from offbook.kernels.expert_pair import expert_pair, gated_pair

HIDDEN = 3


def weights(experts=2):
    torch.manual_seed(experts)
    gate = torch.randn(2 * experts, HIDDEN).double()
    gate_up = [(torch.randn(HIDDEN, HIDDEN).double(), torch.randn(HIDDEN, HIDDEN).double()) for _ in range(experts)]
    down = [torch.randn(HIDDEN, HIDDEN).double() for _ in range(experts)]
    return gate, gate_up, down


def expert(u, gate, up, down):
    inner = [float(g @ u) / (1 + math.exp(-float(g @ u))) * float(w @ u) for g, w in zip(gate, up, strict=True)]
    return down @ torch.tensor(inner).double()


def two_of(scores):
    """The places of the two largest scores, and their shares."""
    high, low = sorted(range(len(scores)), key=lambda i: -scores[i])[:2]
    total = math.exp(scores[high]) + math.exp(scores[low])
    return (high, math.exp(scores[high]) / total), (low, math.exp(scores[low]) / total)


@pytest.mark.parametrize("experts", [2, 3, 5])
@pytest.mark.parametrize("seed", range(8))
def test_mixture_and_second_prediction_follow_the_equations(experts, seed):
    gate, gate_up, down = weights(experts)
    u = torch.randn(HIDDEN, generator=torch.Generator().manual_seed(seed)).double()
    outputs = [expert(u, *gate_up[e], down[e]) for e in range(experts)]
    g = (gate @ u).tolist()
    (high, a), (low, other) = two_of(g[:experts])
    mixture, contrast = expert_pair(u, gate, gate_up, down, second="contrast")
    torch.testing.assert_close(mixture, a * outputs[high] + other * outputs[low])
    (high, b), (low, other) = two_of(g[experts:])
    torch.testing.assert_close(contrast, b * outputs[high] - other * outputs[low])
    _, summed = expert_pair(u, gate, gate_up, down, second="mixture")
    torch.testing.assert_close(summed, b * outputs[high] + other * outputs[low])


def test_the_first_of_two_equal_scores_is_the_higher():
    outputs = [torch.tensor([1.0]), torch.tensor([3.0])]
    _, contrast = gated_pair(torch.tensor([0.0, 0.0, 2.0, 2.0]), outputs, second="contrast")
    assert contrast.tolist() == [0.5 * 1.0 - 0.5 * 3.0]


def test_the_second_prediction_is_left_out_where_nobody_asks_and_changes_nothing_else():
    u = torch.randn(2, 5, HIDDEN).double()
    mixture, nothing = expert_pair(u, *weights(), second=None)
    assert nothing is None
    torch.testing.assert_close(mixture, expert_pair(u, *weights(), second="contrast")[0])


@pytest.mark.parametrize("experts", [2, 4])
def test_gradients_are_those_of_finite_differences(experts):
    gate, gate_up, down = weights(experts)
    u = torch.randn(2, HIDDEN).double().requires_grad_()
    inputs = (u, gate.requires_grad_())
    assert torch.autograd.gradcheck(lambda u, g: expert_pair(u, g, gate_up, down, second="contrast"), inputs)
