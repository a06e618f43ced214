"""The step in C says what the unmodified model says: trees, committed paths, prompts, taps, several sequences."""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.layouts.packed import PackedLayout
from offbook.engine.decoding.layouts.plain import TransformersLayout
from offbook.kernels.native_library import instruction_sets, native_available
from tests.tiny import tiny_model

AVAILABLE, WHY = native_available()
pytestmark = pytest.mark.skipif(not AVAILABLE, reason=f"the layout packed is not on offer: {WHY}")
SETS = instruction_sets() if AVAILABLE else ()
FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
CLOSE = {"rtol": 1e-5, "atol": 2e-5}
ANCESTORS = ((), (0,), (0,), (0, 1), (0, 1), (0, 2), (0, 1, 3))  # two branches, seven nodes
PATH = (0, 2, 5)


def pair(model, **options):
    """The twin and the layout, and a new cache for each."""
    backbone = Backbone(model)
    twin = TransformersLayout(model, cache_argument=backbone.cache_argument)
    return (twin, backbone.new_cache(400)), (PackedLayout(model, **options), backbone.new_cache(400))


def run(rows, start=0):
    """Tokens, positions and mask of rows that follow one another."""
    tokens = torch.randint(0, 250, (rows,), generator=torch.Generator().manual_seed(rows + start))
    return tokens, torch.arange(start, start + rows), torch.ones(rows, rows, dtype=torch.bool).tril()


def tree(start):
    visible = torch.eye(len(ANCESTORS), dtype=torch.bool)
    for row, ancestors in enumerate(ANCESTORS):
        visible[row, list(ancestors)] = True
    depths = torch.tensor([len(ancestors) for ancestors in ANCESTORS])
    return run(len(ANCESTORS), start)[0], start + depths, visible


def assert_same(found, expected):
    torch.testing.assert_close(found.logits_NV, expected.logits_NV, **CLOSE)
    for state, other in zip(found.states, expected.states, strict=True):
        torch.testing.assert_close(state, other, **CLOSE)


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_a_tree_and_a_token_behind_its_path(family, instruction_set):
    """Longer than the windows of eight positions; the path's rows do not lie side by side before it is committed."""
    (twin, cache), (layout, own) = pair(tiny_model(family, seed=3), instruction_set=instruction_set)
    for block in (run(19), tree(19)):
        expected, found = (one.step(*block, kept, taps=(0, 1, 2, 1)) for one, kept in ((twin, cache), (layout, own)))
        assert_same(found, expected)
        path = torch.tensor(PATH if len(block[0]) == len(ANCESTORS) else range(len(block[0])))
        with torch.inference_mode():
            cache.commit_path(path)
            own.commit_path(path)
    assert_same(layout.step(*run(1, 22), own, taps=(-1,)), twin.step(*run(1, 22), cache, taps=(-1,)))
    torch.testing.assert_close(own._storage[..., :22, :], cache._storage[..., :22, :], **CLOSE)


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("head_dim", [16, 24, 48, 64])
def test_heads_of_any_size_with_few_queries_and_many(head_dim, instruction_set):
    model = tiny_model("mistral", seed=12, head_dim=head_dim)
    (twin, cache), (layout, own) = pair(model, instruction_set=instruction_set)
    for start, count in ((0, 37), (37, 1), (38, 7)):
        expected, found = (one.step(*run(count, start), kept) for one, kept in ((twin, cache), (layout, own)))
        assert_same(found, expected)
        cache.commit(count)
        own.commit(count)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 9, 13, 24, 25, 33, 49])
def test_any_number_of_rows(rows):
    (twin, cache), (layout, own) = pair(tiny_model(seed=4))
    for start, count in ((0, 7), (7, rows)):
        expected, found = (
            one.step(*run(count, start), kept, taps=(1,)) for one, kept in ((twin, cache), (layout, own))
        )
        assert_same(found, expected)
        cache.commit(count)
        own.commit(count)


@pytest.mark.parametrize("family", ["llama", "mistral"])
@pytest.mark.parametrize("wanted", [1, 150, 0])
def test_a_long_prompt_is_computed_some_rows_at_a_time(family, wanted):
    (twin, cache), (layout, own) = pair(tiny_model(family, seed=5))
    block = run(300)
    assert_same(
        layout.step(*block, own, logits_for=wanted, taps=(2, 0)),
        twin.step(*block, cache, logits_for=wanted, taps=(2, 0)),
    )
    assert own.length == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    (twin, cache), (layout, own) = pair(tiny_model(seed=6))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for start, count in ((0, 200), (200, 6), (206, 1)):
            expected, found = (one.step(*run(count, start), kept) for one, kept in ((twin, cache), (layout, own)))
            assert_same(found, expected)
            cache.commit(count)
            own.commit(count)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("family", FAMILIES)
def test_several_sequences_advance_as_each_would_alone(family):
    model = tiny_model(family, seed=7)
    backbone = Backbone(model)
    twin, layout = TransformersLayout(model, cache_argument=backbone.cache_argument), PackedLayout(model)
    lengths = (1, 12, 70)
    caches = [backbone.new_cache(80) for _ in lengths]
    for cache, length in zip(caches, lengths, strict=True):
        twin.step(*run(length), cache)
        cache.commit(length)
    tokens = torch.tensor([5, 6, 7])
    alone = [
        twin.step(token[None], torch.tensor([cache.length]), torch.ones(1, 1, dtype=torch.bool), cache).logits_NV
        for token, cache in zip(tokens, caches, strict=True)
    ]
    torch.testing.assert_close(layout.advance(tokens, caches), torch.cat(alone), **CLOSE)
    assert [cache.length for cache in caches] == [2, 13, 71]


def test_biases_everywhere_and_a_head_of_its_own():
    changes = {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False, "head_dim": 12}
    model = tiny_model(seed=8, vocab_size=261, **changes)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    (twin, cache), (layout, own) = pair(model)
    assert_same(layout.step(*run(9), own, taps=(1, 2)), twin.step(*run(9), cache, taps=(1, 2)))


def test_scaled_rotary_factors_are_the_models():
    rope = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 128}
    (twin, cache), (layout, own) = pair(tiny_model(seed=9, rope_parameters=rope))
    assert_same(layout.step(*run(40), own), twin.step(*run(40), cache))


def test_weights_in_every_form_in_one_model():
    model = tiny_model(seed=10, intermediate_size=96)
    for layer, dtype in zip(model.model.layers, (torch.bfloat16, torch.float16), strict=True):
        layer.mlp.up_proj.weight.data = layer.mlp.up_proj.weight.to(dtype).float()
    q = torch.randint(0, 16, (96, 32))
    q[:, 0], q[:, 1] = 0, 15
    model.model.layers[0].mlp.gate_proj.weight.data = q * 0.015625 - 0.125
    q = torch.randint(-127, 128, (32, 96))
    q[:, ::32] = 127
    model.model.layers[1].mlp.down_proj.weight.data = q * 0.0009765625
    (twin, cache), (layout, own) = pair(model)
    assert layout.facts["matrices"] == {"BF16": 1, "F32": 12, "Q4_1": 1, "Q8_0": 1}
    assert_same(layout.step(*run(9), own), twin.step(*run(9), cache))


def test_a_weight_that_is_not_finite_is_seen_in_the_logits():
    model = tiny_model(seed=11)
    _, (layout, own) = pair(model)
    model.model.embed_tokens.weight.data[7, 3] = float("nan")
    tokens = torch.tensor([5, 7, 6])
    assert not layout.step(tokens, *run(3)[1:], own).logits_NV[1:].isfinite().any()
    assert layout.step(tokens[:1], *run(1)[1:], own).logits_NV.isfinite().all()


def test_other_models_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^layout packed: expected a model of Llama's shape, but Gemma\w+ is none"):
        PackedLayout(tiny_model("gemma"))
    with pytest.raises(ValueError, match=r"^layout packed: expected fp32 weights on the CPU, got torch.bfloat16"):
        PackedLayout(tiny_model(dtype=torch.bfloat16))


def test_without_the_c_code_the_layout_says_so(monkeypatch):
    monkeypatch.setattr("offbook.engine.decoding.layouts.packed.native_available", lambda: (False, "not built"))
    with pytest.raises(ValueError, match=r"^layout packed: not built, or choose prepacked$"):
        PackedLayout(tiny_model())
