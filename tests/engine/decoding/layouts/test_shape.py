"""Which models have Llama's shape, and what is read of them."""

import pytest
import torch
from torch import nn

from offbook.engine.decoding.layouts.shape import difference, read_shape
from tests.tiny import tiny_model


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3"])
def test_a_model_of_the_shape_is_read(architecture):
    model = tiny_model(architecture)
    shape = read_shape(model)
    assert shape is not None
    assert (shape.heads, shape.kv_heads, shape.head_dim, len(shape.layers)) == (4, 2, 8, 2)
    assert shape.layers[1].down.weight_NK.data_ptr() == model.model.layers[1].mlp.down_proj.weight.data_ptr()


def test_what_differs_between_families_is_read():
    layers = {name: read_shape(tiny_model(name)).layers for name in ("llama", "mistral", "qwen2", "qwen3")}
    assert [layer.window for layer in layers["mistral"]] == [8, 8]
    assert [layer.window for layer in layers["qwen2"]] == [None, 8]
    assert [name for name, (layer, _) in layers.items() if layer.q.bias_N is not None] == ["qwen2"]
    assert [name for name, (layer, _) in layers.items() if layer.k_norm is not None] == ["qwen3"]


def test_the_rope_table_is_the_models_own():
    model = tiny_model(rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0})
    cos, sin = read_shape(model).rope(12)
    own_cos, own_sin = model.model.rotary_emb(torch.empty(1), torch.tensor([[11]]))
    assert torch.equal(cos[11], own_cos[0, 0])
    assert torch.equal(sin[11], own_sin[0, 0])


def test_a_model_is_looked_at_where_it_lies():
    assert difference(tiny_model().to("meta")) is None


@pytest.mark.parametrize("architecture", ["gemma", "gemma2", "gemma3"])
def test_a_model_of_another_shape_is_not_read(architecture):
    model = tiny_model(architecture)
    assert read_shape(model) is None
    assert type(model).__name__ in difference(model)


def test_a_model_with_replaced_modules_is_not_of_the_shape():
    class Scaled(nn.Linear):
        pass

    model = tiny_model()
    model.model.layers[1].mlp.up_proj = Scaled(32, 64, bias=False)
    assert difference(model) == "layer 1 mlp.up_proj is a Scaled, no plain linear map"
    model = tiny_model()
    model.model.layers[0].input_layernorm = nn.LayerNorm(32)
    assert difference(model) == "layer 0 input_layernorm is a LayerNorm, no RMSNorm"


def test_another_activation_is_another_shape():
    assert difference(tiny_model(hidden_act="gelu")) == "its activation is gelu, not silu"
