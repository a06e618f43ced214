"""Kernels of tree attention against fp64 and torch in the same dtype, and what they must not read, hide or wait for."""

import pytest
import torch

from offbook.kernels import tree_attention as operation
from offbook.kernels.tree_attention import (
    TreeMask,
    block_bidirectional_words,
    block_causal_words,
    causal_words,
    prefix_and_tree,
    reference,
    tree_attention,
)
from tests.kernels.checks.tree_attention import checks
from tests.kernels.three_ways import no_worse
from tests.kernels.tree_rows import holds_three_ways, tree_rows

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
SHAPES = {
    "a tree of sixty behind a cache": {"heads": 3, "nodes": 60, "lengths": [130], "size": 64},
    "bit 63": {"heads": 1, "nodes": 64, "lengths": [1]},
    "two words": {"heads": 2, "nodes": 65, "lengths": [3]},
    "an empty cache": {"heads": 2, "groups": 2, "nodes": 5, "lengths": [0], "size": 40},
    "a plain step": {"heads": 14, "groups": 2, "nodes": 1, "lengths": [300], "size": 64},
    "different lengths": {"heads": 4, "groups": 2, "nodes": 7, "lengths": [33, 0, 64], "size": 80},
    "heads of 96": {"heads": 3, "nodes": 3, "lengths": [70], "size": 96},
    "wide heads": {"heads": 2, "nodes": 9, "lengths": [66], "size": 256},
    "heads of one number": {"heads": 7, "nodes": 2, "lengths": [63], "size": 1},
}


@pytest.fixture
def kernels_only(monkeypatch):
    """Whoever falls back to the reference is found out."""

    def refused(*_, **__):
        pytest.fail("the reference was asked")

    monkeypatch.setattr(reference, "tree_attention", refused)


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.__name__)
def test_the_check(kernel_device, check):
    check()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_trees_err_no_more_than_torch(kernel_device, shape, dtype):
    if dtype == torch.float32 and shape.get("size") == 256:
        shape = {**shape, "size": 128}
    holds_three_ways(tree_rows(**shape, dtype=dtype, device=kernel_device))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_windows_and_caps_err_no_more_than_torch(kernel_device, dtype):
    rows = tree_rows(heads=2, nodes=12, lengths=[90, 5], size=32, dtype=dtype, device=kernel_device)
    for window in (1, 5, 64, 1000):
        holds_three_ways(rows, window=window, softcap=30.0 if window == 5 else None)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_boolean_masks_err_no_more_than_torch(kernel_device, dtype):
    rows = tree_rows(heads=2, nodes=12, lengths=[90, 90], spare=0, size=32, dtype=dtype, device=kernel_device)
    mask = rows.mask.visible(102)
    holds_three_ways(rows, mask)
    holds_three_ways(rows, mask[:1].expand(2, -1, -1))
    holds_three_ways(rows, mask.transpose(1, 2).contiguous().transpose(1, 2))
    holds_three_ways(rows, mask, window=6, key_positions_BS=rows.mask.key_positions(102))


def test_blocks_of_drafters_and_branches_of_rationales_go_through_words(kernel_device):
    rows = tree_rows(heads=2, nodes=70, lengths=[0], spare=0, device=kernel_device)
    for words_TW in (causal_words(70), block_causal_words([20, 1, 29], shared=20)):
        mask = TreeMask(words_BTW=words_TW[None].to(kernel_device), length_B=rows.mask.length_B, rows=70)
        holds_three_ways(rows, mask)
    blocks = tree_rows(heads=2, nodes=12, lengths=[60], spare=0, device=kernel_device)
    words_TW = block_bidirectional_words([4, 8], context=60, seen=[7, 60]).to(kernel_device)
    none = torch.zeros(1, dtype=torch.int32, device=kernel_device)
    holds_three_ways(blocks, TreeMask(words_BTW=words_TW[None], length_B=none, rows=72))


def test_any_strides_will_do(kernel_device):
    rows = tree_rows(heads=4, groups=2, nodes=5, lengths=[17, 40], spare=0, size=24, device=kernel_device)
    expected = tree_attention(rows.q, rows.k, rows.v, rows.mask, scale=0.3)
    q = rows.q.transpose(1, 3).contiguous().transpose(1, 3)
    k, v = (torch.stack([x, x], dim=2).flatten(1, 2)[:, ::2] for x in (rows.k, rows.v))
    assert not q.is_contiguous()
    assert not k.is_contiguous()
    torch.testing.assert_close(tree_attention(q, k, v, rows.mask, scale=0.3), expected, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("shape", [(), (1,), (2,)], ids=str)
def test_a_length_is_a_number_on_the_device(kernel_device, shape, dtype):
    rows = tree_rows(nodes=4, lengths=[21, 21], device=kernel_device)
    length_B = torch.full(shape, 21, dtype=dtype, device=kernel_device)
    mask = TreeMask(words_BTW=rows.mask.words_BTW, length_B=length_B, rows=4)
    torch.testing.assert_close(
        tree_attention(rows.q, rows.k, rows.v, mask, scale=0.3),
        tree_attention(rows.q, rows.k, rows.v, rows.mask, scale=0.3),
        rtol=0,
        atol=0,
    )


@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")  # of the interpreter's numpy
def test_what_is_no_number_is_seen_by_whom_it_concerns_and_by_nobody_else(kernel_device):
    rows = tree_rows(heads=1, nodes=3, lengths=[150], device=kernel_device)
    first_alone = torch.eye(3, dtype=torch.bool, device=kernel_device)
    mask = prefix_and_tree(first_alone, 150)
    assert isinstance(mask, TreeMask)
    assert bool(tree_attention(rows.q, rows.k, rows.v, mask, scale=0.3).isfinite().all())
    q = rows.q.clone()
    q[0, 0, 1] = float("nan")
    out = tree_attention(q, rows.k, rows.v, mask, scale=0.3)
    assert out.isnan().any(-1)[0, 0].tolist() == [False, True, False]
    rows.k[0, 0, 0] = float("nan")
    assert bool(tree_attention(rows.q, rows.k, rows.v, mask, scale=0.3).isnan().all())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradients_are_those_of_the_reference(kernel_device, dtype):
    rows = tree_rows(heads=4, groups=2, nodes=6, lengths=[9], spare=0, dtype=dtype, device=kernel_device)
    upstream = torch.randn(rows.q.shape, generator=torch.Generator().manual_seed(1)).to(rows.q)

    def gradients(dtype, **options):
        learning = [x.detach().to(dtype).requires_grad_() for x in (rows.q, rows.k, rows.v)]
        places = {"positions_BT": rows.positions_BT, "window": 5, "softcap": 2.0}
        out = tree_attention(*learning, rows.mask, scale=0.7, **places, **options)
        return torch.autograd.grad(out, learning, upstream.to(dtype))

    truth = gradients(torch.float64, implementation="reference")
    own = gradients(dtype, implementation="reference")
    for found, torchs, true in zip(gradients(dtype, implementation="triton"), own, truth, strict=True):
        no_worse(found, torchs, true)


def test_torch_finds_no_fault_with_the_kernel(kernel_device):
    rows = tree_rows(heads=4, groups=2, nodes=6, lengths=[9, 9], spare=0, device=kernel_device)
    learning = [x.requires_grad_() for x in (rows.q, rows.k, rows.v)]
    masks = (rows.mask.words_BTW, rows.mask.length_B, rows.positions_BT, rows.mask.positions_BN, 6)
    torch.library.opcheck(operation.attend, (*learning, *masks, 0.3, 4, None, "triton"))


def test_torch_finds_no_fault_with_the_reference():
    rows = tree_rows(heads=4, groups=2, nodes=6, lengths=[9, 9], spare=0)
    learning = [x.requires_grad_() for x in (rows.q, rows.k, rows.v)]
    masks = (rows.mask.visible(15), None, None, None, 0)
    torch.library.opcheck(operation.attend, (*learning, *masks, 0.3, None, 2.0, "reference"))


def test_few_rows_go_through_the_kernel(kernel_device, kernels_only):
    rows = tree_rows(device=kernel_device)
    tree_attention(rows.q, rows.k[:, :, :25], rows.v[:, :, :25], rows.mask.visible(25), scale=0.3)
    tree_attention(rows.q, rows.k, rows.v, rows.mask, scale=0.3)


def test_prefills_trainings_and_double_precision_go_through_torch(kernel_device, monkeypatch):
    monkeypatch.setattr(operation, "attend", None)
    rows = tree_rows(spare=0, device=kernel_device)
    wide = rows.q.repeat(1, 1, 60, 1)
    mask = rows.mask.visible(25)
    assert tree_attention(wide, rows.k, rows.v, mask.repeat(1, 60, 1), scale=0.3).shape == wide.shape
    assert tree_attention(rows.q.requires_grad_(), rows.k, rows.v, mask, scale=0.3).requires_grad
    double = [x.detach().double() for x in (rows.q, rows.k, rows.v)]
    assert tree_attention(*double, rows.mask, scale=0.3).dtype == torch.float64
    with pytest.raises(ValueError, match="expected fp16 or bf16 with heads of at most 256, or fp32 with 128"):
        tree_attention(*double, rows.mask, scale=0.3, implementation="triton")


def test_parts_are_as_few_as_fill_the_processors():
    from offbook.kernels.tree_attention.triton import pick_splits

    assert pick_splits(programs=32, keys=2048, processors=132) == 8
    assert pick_splits(programs=9, keys=2048, processors=132) == 16
    assert pick_splits(programs=1, keys=2048, processors=132) == 16, "of 128 keys each"
    assert pick_splits(programs=1, keys=32768, processors=132) == 32
    assert pick_splits(programs=1, keys=100, processors=132) == 1
    assert pick_splits(programs=500, keys=32768, processors=132) == 1
