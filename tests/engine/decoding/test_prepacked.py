"""The prepacked layout says what transformers says: prompts, trees, committed branches, several sequences at once."""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts import products
from offbook.engine.decoding.layouts.check import check_layout
from offbook.engine.decoding.layouts.layout import BatchedLayout
from offbook.engine.decoding.layouts.prepacked import ExchangedProducts, PrepackedLlama, prepacked_layout
from offbook.engine.decoding.layouts.products import ROWS, Choice, RowsProduct, measured_choice
from offbook.engine.decoding.layouts.shape import Linear
from offbook.engine.decoding.tree import Tree
from offbook.kernels.packed_linear.onednn import OneDnnMatrix, onednn_available
from tests.tiny import tiny_model

LAYERS, VOCABULARY = 2, 50
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LEAN = {
    "llama": ("llama", {}),
    "biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "scaled rope": ("llama", {"rope_parameters": {**LLAMA3, "original_max_position_embeddings": 16}}),
    "one head for all": ("llama", {"num_key_value_heads": 1}),
    "a head each": ("llama", {"num_key_value_heads": 4}),
    "windows": ("mistral", {"sliding_window": 5}),
    "qwen2": ("qwen2", {}),
    "qwen3": ("qwen3", {}),
}
OTHERS = {"gemma": ("gemma", {}), "gemma2": ("gemma2", {"sliding_window": 5})}
TREE = Tree((3, 9, 7, 1, 4, 8), (-1, 0, 0, 1, 2, 3))


def built(name, onednn=None, monkeypatch=None):
    """A model's backbone and its prepacked layout, one product for all numbers of rows where `onednn` says which."""
    architecture, changes = (LEAN | OTHERS)[name]
    model = tiny_model(architecture, vocab_size=VOCABULARY, **changes)
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("bias"):
                parameter.normal_()
    if onednn is not None:
        fixed = Choice(onednn=(onednn,) * len(ROWS), seconds={})
        monkeypatch.setattr("offbook.engine.decoding.layouts.prepacked.measured_choice", lambda _: fixed)
    backbone = Backbone(model)
    return backbone, prepacked_layout(model, backbone.plain)


def played(layout, tokens, chunks):
    """Logits and first and last states of a text that is read in pieces, a tree behind it, and one more token."""
    cache = TreeCache(num_layers=LAYERS, capacity=64)
    found = []

    def step(rows, positions, visible):
        output = layout.step(rows, positions, visible, cache, taps=(0, 1, LAYERS, 1))
        found.extend([output.logits_NV, *output.states])

    done = 0
    with torch.inference_mode():
        for size in chunks:
            step(tokens[done : done + size], torch.arange(done, done + size), torch.ones(size, size).bool().tril())
            cache.commit(size)
            done += size
        tree = TREE.tensors()
        step(tree.tokens_N, done + tree.depths_N, tree.visible_NN)
        cache.commit_path(torch.tensor([0, 2, 4]))
        step(tokens[:1], torch.tensor([done + 3]), torch.ones(1, 1).bool())
    return found


@pytest.mark.parametrize("onednn", [False, True], ids=["mkl", "onednn"])
@pytest.mark.parametrize("name", [*LEAN, *OTHERS])
def test_it_says_what_transformers_says(name, onednn, monkeypatch):
    if onednn and not onednn_available():
        pytest.skip("this build of torch has no oneDNN")
    backbone, layout = built(name, onednn, monkeypatch)
    assert isinstance(layout, PrepackedLlama if name in LEAN else ExchangedProducts)
    text = torch.randint(VOCABULARY, (23,), generator=torch.Generator().manual_seed(1))
    for ours, theirs in zip(played(layout, text, [13, 1, 9]), played(backbone.plain, text, [13, 1, 9]), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5 * float(theirs.abs().max()))
    assert check_layout(layout, backbone.plain, layers=LAYERS, vocab_size=VOCABULARY, positions=512) < 2e-5


@pytest.mark.parametrize("name", [*LEAN])
def test_several_sequences_step_at_once_as_each_alone(name):
    backbone, layout = built(name)
    assert isinstance(layout, BatchedLayout)
    texts = [torch.randint(VOCABULARY, (n,), generator=torch.Generator().manual_seed(n)) for n in (3, 17, 8)]
    caches, alone = [], []
    for text in texts:
        for kept in (caches, alone):
            cache = TreeCache(num_layers=LAYERS, capacity=32)
            rows, causal = torch.arange(len(text)), torch.ones(len(text), len(text)).bool().tril()
            backbone.plain.step(text, rows, causal, cache) if kept is alone else layout.step(text, rows, causal, cache)
            cache.commit(len(text))
            kept.append(cache)
    for token in (5, 6):
        found = layout.advance(torch.full((3,), token), caches)
        for row, cache in enumerate(alone):
            here = torch.tensor([cache.length])
            expected = backbone.plain.step(torch.tensor([token]), here, torch.ones(1, 1).bool(), cache).logits_NV
            cache.commit(1)
            torch.testing.assert_close(found[row : row + 1], expected, rtol=0, atol=1e-4)
    assert [cache.length for cache in caches] == [5, 19, 10]


@pytest.mark.parametrize("name", ["llama", "gemma"])
def test_a_step_is_one_call_of_the_target_in_every_layout(name):
    """Also where it is a step of the model itself, with other products."""
    backbone, _ = built(name)
    for layout in ("transformers", "prepacked"):
        here = backbone.under(layout)
        with backbone.counted() as calls, torch.inference_mode():
            here.extend(torch.arange(4), here.new_cache(8))
        assert calls.number == 1, layout


def test_logits_are_of_the_last_rows_only_where_asked():
    backbone, layout = built("llama")
    text, rows, causal = torch.arange(6), torch.arange(6), torch.ones(6, 6).bool().tril()
    outputs = [
        which.step(text, rows, causal, TreeCache(num_layers=LAYERS, capacity=8), logits_for=2, taps=(-1 % 3,))
        for which in (layout, backbone.plain)
    ]
    assert [output.logits_NV.shape for output in outputs] == [(2, VOCABULARY)] * 2
    torch.testing.assert_close(outputs[0].logits_NV, outputs[1].logits_NV, rtol=0, atol=1e-4)
    assert outputs[0].states[0].shape == outputs[1].states[0].shape == (6, 32)


@pytest.mark.parametrize("name", ["llama", "gemma"])
def test_the_model_is_left_as_it_was(name):
    backbone, layout = built(name)
    backbone.use_native_attention()
    text = torch.arange(9)[None]
    before = backbone.model(text).logits
    backbone.use_tree_attention()
    played(layout, text[0], [9])
    backbone.use_native_attention()
    assert backbone.model(text).logits.equal(before)
    assert not any("forward" in vars(module) for module in backbone.model.modules())


@pytest.mark.parametrize("name", ["llama", "gemma"])
@pytest.mark.parametrize("weight", ["layers.1.mlp.up_proj", "layers.0.self_attn.k_proj"])
def test_a_layout_of_other_weights_is_refused(name, weight, monkeypatch):
    backbone, layout = built(name, onednn_available(), monkeypatch)
    with torch.no_grad():
        backbone.model.get_parameter(f"model.{weight}.weight").mul_(1.01)
    with pytest.raises(
        ValueError, match=r"expected the layout prepacked to say what transformers says, got .* differ by"
    ):
        check_layout(layout, backbone.plain, layers=LAYERS, vocab_size=VOCABULARY, positions=512)


def test_logits_that_are_not_finite_stay_so():
    backbone, _ = built("llama")
    with torch.no_grad():
        backbone.model.get_parameter("model.layers.1.mlp.down_proj.weight")[0, 0] = float("nan")
    layout = prepacked_layout(backbone.model, backbone.plain)
    output = layout.step(
        torch.tensor([1]), torch.tensor([0]), torch.ones(1, 1).bool(), TreeCache(num_layers=LAYERS, capacity=4)
    )
    assert output.logits_NV.isnan().all()


@pytest.mark.skipif(not onednn_available(), reason="this build of torch has no oneDNN")
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 16, 33])
@pytest.mark.parametrize("shape", [(5, 3), (48, 64), (130, 70)])
def test_onednn_rounds_as_fp32_does(rows, shape):
    generator = torch.Generator().manual_seed(0)
    weight, bias, x = (torch.randn(*size, generator=generator) for size in (shape, shape[:1], (rows, shape[1])))
    exact = x.double() @ weight.double().T + bias.double()
    sizes = x.double().abs() @ weight.double().abs().T + bias.double().abs()
    error = (OneDnnMatrix(weight, bias)(x).double() - exact).abs()
    assert (error <= 4 * torch.finfo(torch.float32).eps * sizes).all()  # a sum in any order; K times as much is allowed


def test_each_number_of_rows_has_the_product_that_was_the_faster(monkeypatch):
    clock = iter(range(10**6))
    taken = {"mkl": [1, 9, 9, 9], "onednn": [5, 5, 5, 5]}  # in ticks
    monkeypatch.setattr(
        products, "_dense", lambda linear: lambda x: [next(clock) for _ in range(taken["mkl"][place(x)])]
    )
    monkeypatch.setattr(
        products, "OneDnnMatrix", lambda *_: lambda x: [next(clock) for _ in range(taken["onednn"][place(x)])]
    )
    monkeypatch.setattr(products.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(products, "onednn_available", lambda: True)

    def place(x):
        return ROWS.index(x.shape[0])

    monkeypatch.setattr(products, "_MEASURED", {})
    linear = Linear(weight_NK=torch.zeros(2, 3), bias_N=None)
    choice = measured_choice([linear])
    assert measured_choice([linear]) is choice, "measured once a process"
    assert choice.onednn == (False, True, True, True)
    assert [choice.takes_onednn(rows) for rows in (1, 2, 3, 8, 9, 500)] == [False, True, True, True, True, True]
    assert choice.facts["product"] == ["mkl", "onednn", "onednn", "onednn"]


def test_without_onednn_every_row_is_mkls(monkeypatch):
    monkeypatch.setattr(products, "onednn_available", lambda: False)
    linear = Linear(weight_NK=torch.randn(4, 3), bias_N=torch.randn(4))
    product = RowsProduct([linear, linear], measured_choice([linear]))
    x = torch.randn(2, 3)
    expected = torch.nn.functional.linear(x, linear.weight_NK, linear.bias_N)
    torch.testing.assert_close(product(x), torch.cat([expected, expected], dim=-1))
