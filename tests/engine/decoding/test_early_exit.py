"""The first layers of a target as a model: what transformers' early exit computes, on the same weights."""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.clock import CallCounter
from offbook.engine.decoding.early_exit import first_layers
from tests.engine.targets import ARCHITECTURES, target

TEXT = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3]])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_they_say_what_the_model_says_that_leaves_its_other_layers_out(architecture):
    backbone = target(architecture)
    config = backbone.model.config
    ours = first_layers(backbone, 1)
    backbone.use_native_attention()
    try:
        with torch.inference_mode():
            whole = backbone.model(TEXT, use_cache=False).logits
            config.num_hidden_layers = 1  # as transformers' `assistant_early_exit` sets it
            expected = backbone.model(TEXT, use_cache=False).logits
            found = ours(TEXT, use_cache=False).logits
    finally:
        config.num_hidden_layers = 2
        backbone.use_tree_attention()
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, whole)
    assert config.num_hidden_layers == len(backbone.model.model.layers) == 2


def test_all_layers_say_what_the_model_says_and_under_the_tree_attention_too():
    backbone = target()
    copied = Backbone(first_layers(backbone, 2))
    cache = copied.new_cache(TEXT.shape[1])
    with torch.inference_mode():
        found = copied.extend(TEXT[0], cache).logits_NV
        expected = backbone.extend(TEXT[0], backbone.new_cache(TEXT.shape[1])).logits_NV
    torch.testing.assert_close(found, expected)


def test_weights_are_the_models_and_calls_are_not():
    backbone = target()
    ours = first_layers(backbone, 1)
    theirs = {name: tensor.data_ptr() for name, tensor in backbone.model.named_parameters()}
    assert {name: tensor.data_ptr() for name, tensor in ours.named_parameters()}.items() <= theirs.items()
    assert sum(1 for _ in ours.parameters()) < len(theirs)
    with backbone.counted() as calls, CallCounter([ours]) as own, torch.inference_mode():
        ours(TEXT)
    assert (calls.number, own.calls) == (0, 1)


@pytest.mark.parametrize("count", [0, 3])
def test_layers_that_are_not_there_are_refused(count):
    with pytest.raises(ValueError, match=rf"expected layers of 1 to 2, which the target has, got {count}; change"):
        first_layers(target(), count)


def test_a_model_whose_layers_nobody_finds_is_refused():
    backbone = Backbone(first_layers(target(), 2))
    backbone.model.model.blocks, backbone.model.model.layers = backbone.model.model.layers, None
    with pytest.raises(ValueError, match="first layers can be taken, got LlamaForCausalLM; name a model with the opt"):
        first_layers(backbone, 1)
