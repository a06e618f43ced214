"""The kernels of Jakiro's experts: no worse than torch against fp64, gradients, odd sizes, and who calls them when."""

import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.kernels.expert_pair import (
    MOST_ROWS,
    _expert_pair,
    _experts_apart,
    expert_pair,
    experts_apart,
    reference,
)
from offbook.methods.jakiro.decoupled_experts import DecoupledExperts
from offbook.methods.jakiro.experts import Experts
from tests.kernels.three_ways import no_worse

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
# Rows, hidden size, inner width, experts.
SHAPES = [(1, 1, 1, 2), (3, 17, 5, 2), (16, 64, 64, 3), (9, 33, 49, 5), (34, 135, 20, 4)]
SMALL = (5, 12, 9, 3)


def pair_of(rows, hidden, inner, experts, dtype=torch.float32, device="cpu"):
    """Rows, gate, experts; the gate's scores lie far enough apart that no rounding puts them in another order."""
    torch.manual_seed(rows * inner)
    u, gate = torch.randn(rows, hidden), torch.randn(2 * experts, hidden) * 0.1 * hidden**-0.5
    order = torch.arange(experts)
    u[:, 0] = 1.0
    gate[:, 0] = torch.cat([(order + 1) % experts, order.flip(0)]).float() * 2
    first = torch.randn(2, experts, inner, hidden) * hidden**-0.5
    last = torch.randn(experts, hidden, inner) * inner**-0.5
    given = [u, gate, [list(pair) for pair in zip(*first, strict=True)], list(last)]
    return tree_map(lambda x: x.to(dtype).to(device), given)


def apart_of(rows, hidden, inner, experts, dtype=torch.float32, device="cpu"):
    u, gate, first, last = pair_of(rows, hidden, inner, experts, dtype, device)
    return [u, gate[:experts], [up for up, _ in first], last]


def in_fp64(given):
    return tree_map(lambda x: x.double(), given)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_mixture_and_contrast_err_no_more_than_torch(kernel_device, dtype, shape):
    given = pair_of(*shape, dtype, kernel_device)
    truth = reference.expert_pair(*in_fp64(given), second="contrast")
    in_torch = reference.expert_pair(*given, second="contrast")
    for found, theirs, true in zip(expert_pair(*given, second="contrast"), in_torch, truth, strict=True):
        assert found.dtype == dtype
        no_worse(found, theirs, true)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_experts_apart_and_their_weights_err_no_more_than_torch(kernel_device, dtype, shape):
    given = apart_of(*shape, dtype, kernel_device)
    truth, in_torch = reference.experts_apart(*in_fp64(given)), reference.experts_apart(*given)
    for found, theirs, true in zip(experts_apart(*given), in_torch, truth, strict=True):
        assert found.dtype == dtype
        no_worse(found, theirs, true)


def test_a_second_mixture_sums_and_without_a_second_the_first_stays(kernel_device):
    given = pair_of(*SMALL, device=kernel_device)
    mixture, second = expert_pair(*given, second="mixture")
    torch.testing.assert_close((mixture, second), reference.expert_pair(*given, second="mixture"))
    alone, nothing = expert_pair(*given, second=None)
    assert nothing is None
    assert torch.equal(alone, mixture)


@pytest.mark.parametrize("leading", [(), (5,), (1, 5), (2, 1, 3), (0,)], ids=str)
def test_rows_keep_their_shape(kernel_device, leading):
    _, gate, pairs, down = pair_of(*SMALL, device=kernel_device)
    u = torch.randn(*leading, SMALL[1], device=kernel_device)
    expected = reference.expert_pair(u, gate, pairs, down, second="mixture")
    torch.testing.assert_close(expert_pair(u, gate, pairs, down, second="mixture"), expected)
    _, gate, fc, proj = apart_of(*SMALL, device=kernel_device)
    torch.testing.assert_close(experts_apart(u, gate, fc, proj), reference.experts_apart(u, gate, fc, proj))


def test_rows_and_weights_may_lie_in_any_order(kernel_device):
    u, gate, pairs, down = pair_of(*SMALL, device=kernel_device)
    expected = reference.expert_pair(u, gate, pairs, down, second="contrast")
    rows = torch.stack([u, -u], dim=1)[:, 0]
    columns = torch.stack([u, -u], dim=-1)[..., 0]
    turned = tree_map(lambda x: x.t().contiguous().t(), [gate, pairs, down])
    torch.testing.assert_close(expert_pair(rows, gate, pairs, down, second="contrast"), expected)
    torch.testing.assert_close(expert_pair(columns, *turned, second="contrast"), expected)


@pytest.mark.filterwarnings("ignore:invalid value")  # numpy's, of the interpreter
@pytest.mark.parametrize("broken", ["a row", "a score"])
def test_what_is_not_finite_comes_out_so_and_nothing_else(kernel_device, broken):
    u, gate, pairs, down = pair_of(*SMALL, device=kernel_device)
    if broken == "a row":
        u[1] = torch.nan
    else:
        gate[0] = torch.nan  # of the mixture
    expected = reference.expert_pair(u, gate, pairs, down, second="contrast")
    torch.testing.assert_close(expert_pair(u, gate, pairs, down, second="contrast"), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("operation", "plain", "given"),
    [
        (
            lambda *x: expert_pair(*x, second="contrast"),
            lambda *x: reference.expert_pair(*x, second="contrast"),
            pair_of,
        ),
        (experts_apart, reference.experts_apart, apart_of),
    ],
    ids=["pair", "apart"],
)
def test_gradients_under_any_upstream_err_no_more_than_torch(kernel_device, operation, plain, given):
    given = given(*SMALL, device=kernel_device)

    def gradients(function, given):
        given = tree_map(lambda x: x.detach().clone().requires_grad_(), given)
        outputs = function(*given)
        upstream = torch.Generator().manual_seed(1)
        up = [torch.randn(out.shape, generator=upstream).to(out) for out in outputs]
        return torch.autograd.grad(outputs, tree_leaves(given), up)

    truth, in_torch = gradients(plain, in_fp64(given)), gradients(plain, given)
    for found, theirs, true in zip(gradients(operation, given), in_torch, truth, strict=True):
        no_worse(found, theirs, true)


def test_what_needs_no_gradient_gets_none(kernel_device):
    u, gate, fc, proj = apart_of(*SMALL, device=kernel_device)
    gate.requires_grad_()
    proj[1].requires_grad_()
    outputs, log_weights = experts_apart(u, gate, fc, proj)
    (outputs.sum() + log_weights[:, 0].sum()).backward()
    assert gate.grad is not None
    assert proj[1].grad is not None
    assert all(x.grad is None for x in (u, *fc, proj[0], proj[2]))


def test_the_registrations_are_sound(kernel_device):
    opcheck_both("triton", kernel_device)


def test_the_registrations_are_sound_without_kernels():
    opcheck_both("reference", "cpu")


def opcheck_both(implementation, device):
    shape = (2, 5, 4, 2)
    u, gate, pairs, down = tree_map(lambda x: x.requires_grad_(), pair_of(*shape, device=device))
    gate_proj, up_proj = (list(x) for x in zip(*pairs, strict=True))
    torch.library.opcheck(_expert_pair, (u, gate, gate_proj, up_proj, down, "contrast", implementation))
    given = tree_map(lambda x: x.requires_grad_(), apart_of(*shape, device=device))
    torch.library.opcheck(_experts_apart, (*given, implementation))


@pytest.fixture
def calls(monkeypatch):
    """Which launchers run."""
    from offbook.kernels.expert_pair import triton as kernels

    called = []

    def noting(name, launcher):
        return lambda *args, **kwargs: (called.append(name), launcher(*args, **kwargs))[1]

    for name in ("expert_pair", "experts_apart"):
        monkeypatch.setattr(kernels, name, noting(name, getattr(kernels, name)))
    return called


def test_many_rows_and_other_formats_are_the_references(kernel_device, calls):
    given = pair_of(MOST_ROWS + 1, 6, 4, 2, device=kernel_device)
    torch.testing.assert_close(expert_pair(*given, second=None), reference.expert_pair(*given, second=None))
    expert_pair(*in_fp64(pair_of(*SMALL, device=kernel_device)), second=None)
    assert calls == []
    found = expert_pair(*given, second="contrast", implementation="triton")
    torch.testing.assert_close(found, reference.expert_pair(*given, second="contrast"))
    assert calls == ["expert_pair"]


def test_jakiros_layers_decode_with_the_kernels(kernel_device, calls):
    torch.manual_seed(0)
    config = DraftConfig(
        hidden_size=12,
        intermediate_size=20,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=6,
        rms_norm_eps=1e-5,
        rope_theta=1e4,
    )
    summed, apart = Experts(config).to(kernel_device), DecoupledExperts(config, count=2).to(kernel_device)
    u = torch.randn(1, 4, 12, device=kernel_device)
    mixture, contrast = summed(u, contrast=True)
    outputs, log_weights = apart(u)
    assert calls == ["expert_pair", "experts_apart"]
    each = [expert(u) for expert in summed.experts]
    torch.testing.assert_close((mixture, contrast), reference.gated_pair(summed.gate(u), each, second="contrast"))
    torch.testing.assert_close(outputs, torch.stack([expert(u) for expert in apart.experts], dim=-2))
    torch.testing.assert_close(log_weights, apart.gate(u).log_softmax(dim=-1))
