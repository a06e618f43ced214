"""One forward over a tree says what one forward a path says; the cache keeps the accepted rows and no others."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.tree import Tree
from tests.engine.decoding.test_tree import ancestors, trees
from tests.engine.targets import ARCHITECTURES, VOCABULARY, target
from tests.tiny import tiny_model

prompts = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=14)


def tolerance(backbone):
    """Of a comparison with the model's own attention; Gemma 2's takes its softmax in fp32 whatever the dtype."""
    in_fp64 = backbone.model.dtype == torch.float64 and backbone.config.model_type != "gemma2"
    return {"rtol": 0, "atol": 1e-10 if in_fp64 else 1e-5}


def native_logits(backbone, tokens):
    """Logits behind each of `tokens`, from the model alone: its own attention, no cache."""
    backbone.use_native_attention()
    try:
        return backbone.model(torch.tensor([tokens]), use_cache=False).logits[0]
    finally:
        backbone.use_tree_attention()


def forward_tree(backbone, cache, tree):
    rows = tree.tensors()
    return backbone.step(rows.tokens_N, cache.length + rows.depths_N, rows.visible_NN, cache)


def prefilled(backbone, prompt, capacity=64):
    cache = backbone.new_cache(capacity)
    backbone.forward(torch.tensor([prompt]), cache)
    cache.commit(len(prompt))
    return cache


@pytest.fixture(autouse=True)
def inference():
    """The loop works in inference mode, and so do these tests."""
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request):
    return getattr(torch, request.param)


@pytest.fixture(scope="module", params=[*ARCHITECTURES, "gemma3"])
def backbone(request, dtype):
    # Weights of ordinary size: fp32 should be wrong by rounding alone.
    return Backbone(tiny_model(request.param, dtype, vocab_size=VOCABULARY, sliding_window=4, initializer_range=0.1))


def test_tree_rows_equal_the_rows_of_their_paths(backbone):
    @settings(max_examples=15)
    @given(prompt=prompts, tree=trees(max_nodes=12))
    def check(prompt, tree):
        logits_NV = forward_tree(backbone, prefilled(backbone, prompt), tree).logits_NV
        for node in range(len(tree)):
            path = [tree.tokens[k] for k in reversed(ancestors(tree, node))]
            expected_V = native_logits(backbone, [*prompt, *path])[-1]
            torch.testing.assert_close(logits_NV[node], expected_V, **tolerance(backbone))

    check()


def test_a_long_branch_behind_siblings_sees_its_window_in_positions_and_not_in_rows(backbone):
    prompt, tree = [3, 1, 4], Tree(tuple(range(5, 17)), (-1, 0, 0, 0, 0, *range(4, 11)))
    path = [tree.tokens[k] for k in reversed(ancestors(tree, len(tree) - 1))]
    assert len(path) == 9  # twice the window and more
    logits_NV = forward_tree(backbone, prefilled(backbone, prompt), tree).logits_NV
    torch.testing.assert_close(logits_NV[-1], native_logits(backbone, [*prompt, *path])[-1], **tolerance(backbone))


def test_blocks_in_a_row_equal_one_block(backbone):
    @settings(max_examples=6)
    @given(blocks=st.lists(prompts, min_size=2, max_size=4))
    def check(blocks):
        cache, parts = backbone.new_cache(64), []
        for block in blocks:
            parts.append(backbone.forward(torch.tensor([block]), cache).logits_BNV[0])
            cache.commit(len(block))
        expected_TV = native_logits(backbone, [token for block in blocks for token in block])
        torch.testing.assert_close(torch.cat(parts), expected_TV, **tolerance(backbone))

    check()


def test_the_head_reads_the_features(backbone):
    output = backbone.forward(torch.arange(9)[None], backbone.new_cache(9))
    logits_NV = output.features_BTH[0] @ backbone.head_VH.T
    cap = getattr(backbone.config, "final_logit_softcapping", None)
    if cap is not None:
        logits_NV = cap * torch.tanh(logits_NV / cap)
    torch.testing.assert_close(output.logits_BNV[0], logits_NV, **tolerance(backbone))


def test_logits_can_be_asked_for_the_last_rows_only():
    backbone = target()
    rows = torch.arange(7)[None]
    whole = backbone.forward(rows, backbone.new_cache(7))
    last = backbone.forward(rows, backbone.new_cache(7), logits_for=2)
    assert last.logits_BNV.shape == (1, 2, VOCABULARY)
    torch.testing.assert_close(last.logits_BNV, whole.logits_BNV[:, -2:])
    assert last.features_BTH.shape == whole.features_BTH.shape


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_cache_compacted_round_by_round_equals_a_fresh_one(architecture):
    backbone = target(architecture)

    @settings(max_examples=15)
    @given(prompt=prompts, data=st.data())
    def check(prompt, data):
        cache, committed = prefilled(backbone, prompt, capacity=128), list(prompt)
        for _ in range(3):
            tree = data.draw(trees(max_nodes=12))
            forward_tree(backbone, cache, tree)
            path = ancestors(tree, data.draw(st.integers(0, len(tree) - 1)))[::-1]
            cache.commit_path(torch.tensor(path))
            committed += [tree.tokens[node] for node in path]
            assert cache.length == len(committed)
        probe = Tree((1, 2, 3, 4), (-1, 0, 0, 1))
        fresh = prefilled(backbone, committed, capacity=len(committed) + len(probe))
        torch.testing.assert_close(
            forward_tree(backbone, cache, probe).logits_NV,
            forward_tree(backbone, fresh, probe).logits_NV,
            rtol=0,
            atol=1e-10,
        )

    check()


def test_rows_that_were_not_committed_are_overwritten():
    backbone, prompt = target("mistral"), [3, 1, 4, 1, 5]
    cache = prefilled(backbone, prompt)
    before = backbone.forward(torch.tensor([[9, 2]]), cache).logits_BNV
    backbone.forward(torch.tensor([[6, 5, 3, 5]]), cache)
    torch.testing.assert_close(backbone.forward(torch.tensor([[9, 2]]), cache).logits_BNV, before)


def test_cutting_back_forgets_the_rows_behind():
    backbone, prompt = target("qwen2"), [3, 1, 4, 1, 5, 9, 2, 6]
    cache = prefilled(backbone, prompt)
    cache.cut_back(3)
    assert cache.length == cache.get_seq_length() == 3
    again = backbone.forward(torch.tensor([prompt[3:]]), cache).logits_BNV[0]
    torch.testing.assert_close(again, native_logits(backbone, prompt)[3:], rtol=0, atol=1e-10)
    with pytest.raises(AssertionError):
        cache.cut_back(4)


def test_a_full_cache_refuses_the_row_too_many():
    backbone = target()
    cache = backbone.new_cache(4)
    backbone.forward(torch.arange(4)[None], cache)
    with pytest.raises(AssertionError, match="cache of 4 rows asked to hold 5"):
        backbone.forward(torch.arange(5)[None], cache)
    with pytest.raises(AssertionError):
        cache.commit(5)


def test_nothing_written_means_nothing_to_commit():
    with pytest.raises(AssertionError, match="nothing has been written"):
        target().new_cache(4).commit_path(torch.tensor([0]))


def test_a_model_that_takes_no_attention_function_is_refused():
    model = tiny_model(vocab_size=VOCABULARY)
    model._supports_attention_backend = False
    with pytest.raises(ValueError, match="expected a causal LM that takes attention functions"):
        Backbone(model)


def test_a_backbone_gives_the_model_its_own_attention_back():
    model = tiny_model(vocab_size=VOCABULARY)
    native = model.config._attn_implementation
    backbone = Backbone(model)
    assert model.config._attn_implementation != native
    backbone.use_native_attention()
    assert model.config._attn_implementation == native
