"""Medusa's heads as published: counted by their keys, with or without language-model heads of their own."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from offbook.baselines.decoding.medusa.architecture import ARCHITECTURE
from tests.engine.drafters.published_reading import drafted, read, refusal, shape
from tests.published import HIDDEN, head_tensors


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_heads_are_counted_by_their_keys(count, own):
    held = head_tensors(count, own=own)
    found = read(drafted(held, {"medusa_num_heads": count, "medusa_num_layers": 1}))
    assert found.notes == []
    assert found.layer == shape().layer
    network = ARCHITECTURE.network(found.layer, found.tensors)
    network.load_state_dict(dict(found.tensors), strict=True)
    assert len(network.blocks) == count
    assert len(network.heads) == (count if own else 0)
    features_RH = torch.randn(2, HIDDEN, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        states_IRH = network(features_RH)
    for i in range(count):
        inner = features_RH @ held[f"{i}.0.linear.weight"].T + held[f"{i}.0.linear.bias"]
        torch.testing.assert_close(states_IRH[i], features_RH + functional.silu(inner))
        if own:
            assert torch.equal(network.heads[i], held[f"{i}.1.weight"])


def test_another_count_in_the_config_is_told():
    (note,) = read(drafted(head_tensors(5), {"medusa_num_heads": 2})).notes
    assert "says medusa_num_heads 2, the file has 5: the file decides" in note
    assert read(drafted(head_tensors(5), {})).notes == []


@pytest.mark.parametrize("gone", ["0.0.linear.bias", "1.0.linear.bias", "2.1.weight", "0.1.weight"])
def test_a_part_of_a_head_that_is_missing_is_named(gone):
    held = {key: tensor for key, tensor in head_tensors(3).items() if key != gone}
    assert f"got no {gone}; download it again" in refusal(drafted(held, {}))


def test_heads_that_are_no_row_are_refused():
    held = {key: tensor for key, tensor in head_tensors(3).items() if not key.startswith("1.")}
    assert "got no 1.0.linear.weight and" in refusal(drafted(held, {}))
    far = {"9999999999.0.linear.weight": torch.ones(32, 32)}
    assert "got no 1.0.linear.weight and 2 more" in refusal(drafted(head_tensors(1) | far, {}))
    several = head_tensors(2) | {"0.1.linear.weight": torch.ones(32, 32), "0.1.linear.bias": torch.ones(32)}
    assert "expected one residual block a head, got '0.1.linear.weight'" in refusal(drafted(several, {}))


def test_heads_of_another_target_are_refused_by_their_sizes():
    assert "got one for 32 and 300; name its own target" in refusal(drafted(head_tensors(vocabulary=300), {}))
    wide = {"0.0.linear.weight": torch.ones(64, 64), "0.0.linear.bias": torch.ones(64)}
    assert "got one for 64 and 258; name its own target" in refusal(drafted(wide, {}))
    odd = head_tensors(2) | {"1.0.linear.weight": torch.ones(32, 31)}
    assert "expected 1.0.linear.weight of (32, 32) by" in refusal(drafted(odd, {}))


def in_a_model(count: int = 3, *, own: bool = True) -> dict[str, torch.Tensor]:
    """Heads among the tensors of the model that was trained with them."""
    heads = {f"medusa_head.{key}": tensor for key, tensor in head_tensors(count, own=own).items()}
    return heads | {"model.embed_tokens.weight": torch.ones(258, HIDDEN), "lm_head.weight": torch.ones(258, HIDDEN)}


@pytest.mark.parametrize("own", [True, False])
def test_heads_in_a_whole_model_are_read_and_the_model_is_not(own):
    found, alone = read(drafted(in_a_model(own=own), {})), read(drafted(head_tensors(3, own=own), {}))
    assert found.tensors.keys() == alone.tensors.keys()
    assert all(torch.equal(found.tensors[key], tensor) for key, tensor in alone.tensors.items())
    assert found.ignored == ("lm_head.weight", "model.embed_tokens.weight")
    assert torch.equal(found.embedding_VH, torch.ones(258, HIDDEN))
    assert "heads for the model that they were trained with: --model" in found.notes[-1]


def test_tensors_of_a_whole_model_that_nobody_reads_are_accounted_for_by_their_names():
    held = {key: tensor for key, tensor in in_a_model().items() if key != "lm_head.weight"}
    found = read(replace(drafted(held, {}), others=("lm_head.weight", "model.norm.weight")))
    assert found.ignored == ("lm_head.weight", "model.embed_tokens.weight", "model.norm.weight")
    odd = replace(drafted(held, {}), others=("lm_head.weight", "value_head.weight"))
    assert "found no place for 'value_head.weight'; it is another network" in refusal(odd)


def test_what_is_neither_heads_nor_model_is_refused_by_name():
    odd = in_a_model() | {"value_head.weight": torch.ones(2)}
    assert "found no place for 'value_head.weight'; it is another network" in refusal(drafted(odd, {}))
    other = in_a_model() | {"model.embed_tokens.weight": torch.ones(300, HIDDEN)}
    assert "expected embed_tokens.weight of (258, 32), as the target's is" in refusal(drafted(other, {}))
