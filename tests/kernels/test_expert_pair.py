"""The expert pair against its equations, written out scalar by scalar."""

import math

import pytest
import torch

from offbook.kernels.expert_pair import expert_pair

HIDDEN = 3


@pytest.fixture
def weights():
    torch.manual_seed(1)
    gate = torch.randn(4, HIDDEN).double()
    gate_up = [(torch.randn(HIDDEN, HIDDEN).double(), torch.randn(HIDDEN, HIDDEN).double()) for _ in range(2)]
    down = [torch.randn(HIDDEN, HIDDEN).double() for _ in range(2)]
    return gate, gate_up, down


def expert(u, gate, up, down):
    inner = [float(g @ u) / (1 + math.exp(-float(g @ u))) * float(w @ u) for g, w in zip(gate, up, strict=True)]
    return down @ torch.tensor(inner).double()


@pytest.mark.parametrize("seed", range(8))
def test_mixture_and_contrast_follow_the_equations(weights, seed):
    gate, gate_up, down = weights
    u = torch.randn(HIDDEN, generator=torch.Generator().manual_seed(seed)).double()
    e0, e1 = (expert(u, *gate_up[e], down[e]) for e in (0, 1))
    g = (gate @ u).tolist()
    a0 = math.exp(g[0]) / (math.exp(g[0]) + math.exp(g[1]))
    b = [math.exp(x) / (math.exp(g[2]) + math.exp(g[3])) for x in g[2:]]
    hi, lo = (0, 1) if g[2] > g[3] else (1, 0)
    mixture, contrast = expert_pair(u, gate, gate_up, down, contrast=True)
    torch.testing.assert_close(mixture, a0 * e0 + (1 - a0) * e1)
    torch.testing.assert_close(contrast, b[hi] * (e0, e1)[hi] - b[lo] * (e0, e1)[lo])


def test_the_contrast_is_left_out_where_nobody_asks_and_changes_nothing_else(weights):
    u = torch.randn(2, 5, HIDDEN).double()
    mixture, nothing = expert_pair(u, *weights, contrast=False)
    assert nothing is None
    torch.testing.assert_close(mixture, expert_pair(u, *weights, contrast=True)[0])


def test_gradients_are_those_of_finite_differences(weights):
    gate, gate_up, down = weights
    u = torch.randn(2, HIDDEN).double().requires_grad_()
    inputs = (u, gate.requires_grad_())
    assert torch.autograd.gradcheck(lambda u, g: expert_pair(u, g, gate_up, down, contrast=True), inputs)
