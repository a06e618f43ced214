"""Whoever attends to a tree hands its words to the kernel, and gets what torch's own attention gives."""

import pytest
import torch

from offbook.engine.decoding import attention
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.draft_layer import Attention, DraftConfig
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.tree import Tree
from offbook.engine.students.branches import branch_attention, lay_out
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import predict
from offbook.kernels import tree_attention as operation
from offbook.kernels.tree_attention import TreeMask, prefix_and_tree, reference
from tests.engine.targets import feature_drafter, target
from tests.tiny import tiny_model

PROMPT = [5, 6, 7, 8, 9, 10, 3, 1, 4]
TREE = Tree((2, 7, 8, 9, 3, 4), (-1, 0, 0, 1, 1, 3))


@pytest.fixture
def masks(monkeypatch):
    """The masks that kernels were launched with, in order."""
    seen = []
    attend = operation.attend

    def watched(*arguments):
        seen.append(arguments[3])
        return attend(*arguments)

    monkeypatch.setattr(operation, "attend", watched)
    return seen


@torch.inference_mode()
def rounds(backbone):
    """Logits of a prompt, of a tree behind it, and of a token behind one of the tree's paths."""
    device = backbone.device
    cache = backbone.new_cache(len(PROMPT) + 2 * len(TREE))
    found = [backbone.extend(torch.tensor(PROMPT, device=device), cache).logits_NV]
    cache.commit(len(PROMPT))
    rows = TREE.tensors(device)
    found.append(backbone.step(rows.tokens_N, cache.length + rows.depths_N, rows.visible_NN, cache).logits_NV)
    cache.commit_path(torch.tensor([0, 1, 3], device=device))
    found.append(backbone.extend(torch.tensor([11], device=device), cache).logits_NV)
    return torch.cat(found)


@pytest.mark.parametrize("architecture", ["llama", "mistral", "gemma2"])
def test_a_model_says_the_same_through_the_kernel(kernel_device, masks, monkeypatch, architecture):
    backbone = Backbone(tiny_model(architecture, vocab_size=50, sliding_window=5).to(kernel_device))
    masks.clear()
    found = rounds(backbone)
    assert [mask.dtype for mask in masks] == [torch.int64] * 6, "two layers, three forwards"
    monkeypatch.setattr(operation, "triton_runs", lambda *_: False)
    monkeypatch.setattr(operation.mask, "triton_runs", lambda *_: False)
    torch.testing.assert_close(found, rounds(backbone), rtol=1e-4, atol=1e-4)


def test_a_batch_behind_a_common_prefix_shares_its_words(kernel_device, masks):
    backbone = Backbone(tiny_model(vocab_size=50).to(kernel_device))
    tokens_BT = torch.tensor([PROMPT, PROMPT[::-1]], device=kernel_device)
    masks.clear()
    together = backbone.forward(tokens_BT, backbone.new_cache(9)).logits_BNV
    assert [mask.shape for mask in masks] == [(2, 9, 1)] * 2
    alone = [backbone.forward(tokens_T[None], backbone.new_cache(9)).logits_BNV[0] for tokens_T in tokens_BT]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-4)


def test_a_long_prompt_goes_through_torch(kernel_device, masks):
    backbone = Backbone(tiny_model(vocab_size=50, max_position_embeddings=512).to(kernel_device))
    masks.clear()
    backbone.extend(torch.arange(300, device=kernel_device) % 50, backbone.new_cache(300))
    assert masks == []


def test_a_length_that_only_the_device_knows_gives_the_same_logits(monkeypatch):
    backbone = target("mistral")
    known = rounds(backbone)
    arguments = attention.arguments

    def unknown(positions_BT, visible_TT, length):
        return arguments(positions_BT, visible_TT, torch.tensor(length))

    monkeypatch.setattr(attention, "arguments", unknown)
    torch.testing.assert_close(rounds(backbone), known, rtol=0, atol=1e-12)


def test_a_draft_layer_reads_words_and_a_boolean_mask_alike(kernel_device, masks):
    torch.manual_seed(0)
    config = DraftConfig(
        hidden_size=32, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        rms_norm_eps=1e-5, rope_theta=1e4,
    )  # fmt: skip
    layer = Attention(config).to(kernel_device).requires_grad_(requires_grad=False)
    before, rows = torch.randn(1, 10, 32, device=kernel_device), torch.randn(1, 4, 32, device=kernel_device)
    tree_TT = torch.eye(4, dtype=torch.bool, device=kernel_device)
    tree_TT[2, 0] = tree_TT[3, 1] = True
    found = []
    for name in ("triton", "reference"):
        cache = TreeCache(num_layers=1, capacity=20)
        for x, start, visible_TT in ((before, 0, tree_TT.new_ones(10, 10).tril()), (rows, 10, tree_TT)):
            positions = torch.arange(start, start + x.shape[1], device=kernel_device)[None]
            visible = prefix_and_tree(visible_TT, start, implementation=name)
            assert isinstance(visible, TreeMask) == (name == "triton")
            out = layer(x, positions, visible, cache)
            cache.commit(x.shape[1])
        found.append(out)
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)
    assert [mask.dtype for mask in masks] == [torch.int64] * 2 + [torch.bool] * 2


def test_a_drafter_in_double_precision_proposes_the_same_tree_from_words(kernel_device, monkeypatch):
    if kernel_device == "cuda":
        pytest.skip("targets of tests lie on the CPU")
    asked, attend = [], reference.tree_attention

    def watched(*arguments, **options):
        asked.append(arguments[3])
        return attend(*arguments, **options)

    monkeypatch.setattr(reference, "tree_attention", watched)
    backbone, trees = target("llama"), []
    for name in ("words", "boolean"):
        if name == "boolean":
            monkeypatch.setattr(operation.mask, "triton_runs", lambda *_: False)
        asked.clear()
        drafter = feature_drafter("eagle2", backbone, TreeConfig(total_tokens=12, depth=3, top_k=4))
        cache = backbone.new_cache(30)
        features = backbone.extend(torch.tensor(PROMPT), cache, taps=drafter.taps).features(len(PROMPT))
        drafter.begin(torch.tensor([PROMPT]), capacity=30)
        drafter.observe(torch.tensor([*PROMPT[1:], 2]), features, len(PROMPT))
        trees.append(drafter.propose())
        assert {isinstance(mask, TreeMask) for mask in asked} == {name == "words"}
    assert trees[0] == trees[1]


@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
def test_branches_without_gradients_attend_all_at_once(kernel_device, masks, architecture):
    model = tiny_model(architecture, sliding_window=6).to(kernel_device)
    responses = [
        Response(tokens=(11, 12, 13, 14, 257), answer=(2, 3)),
        Response(tokens=(257,), answer=(0,)),
        Response(tokens=(31, 32, 33, 257), answer=(1, 2)),
    ]
    branches = lay_out(PROMPT, responses, kernel_device)
    every = [range(len(branches.targets_N))]
    with branch_attention(model):
        with torch.no_grad():
            predict(model, branches)  # the first also asks about the head
            masks.clear()
            (found,) = predict(model, branches).logits_of(every)
        assert [mask.shape for mask in masks] == [(1, 16, 1)] * 2, "one launch a layer"
        (learned,) = predict(model, branches).logits_of(every)
    assert learned.requires_grad
    assert len(masks) == 2, "branch by branch through torch"
    torch.testing.assert_close(found, learned.detach(), rtol=1e-4, atol=1e-4)
