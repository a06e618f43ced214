"""Published draft layers: read with the authors' sizes, computing what theirs do, refused where they do not fit."""

import pytest
import torch
from torch.nn import functional

from offbook.baselines.decoding import eagle2
from offbook.engine.decoding.draft_layer import _rotate, rotary
from offbook.engine.drafters.published.formats import recognised
from offbook.engine.drafters.published.reading import TargetShape
from offbook.methods.jakiro import drafter as jakiro
from tests.engine.drafters.published_reading import drafted, read, refusal
from tests.engine.test_parity import OURS, given, tensors
from tests.published import (
    GROUPS,
    HEADS,
    HIDDEN,
    VOCABULARY,
    expert_tensors,
    published_config,
    published_tensors,
    random_tensors,
)


@pytest.mark.parametrize("name", ["plain", "of experts"])
def test_a_layer_keeps_its_tensors_and_has_its_authors_sizes(name):
    held = published_tensors() if name == "plain" else expert_tensors()
    found = read(drafted(held))
    assert found.tensors.keys() == held.keys()
    assert all(found.tensors[key] is tensor for key, tensor in held.items())
    layer = found.layer
    assert (layer.hidden_size, layer.intermediate_size, layer.head_dim) == (32, 64, 8)
    assert (layer.num_attention_heads, layer.num_key_value_heads) == (HEADS, GROUPS)
    assert (layer.rope_theta, layer.rms_norm_eps, layer.bias, layer.qkv_bias) == (500_000.0, 1e-5, True, False)
    assert found.token_ids.tolist() == list(range(VOCABULARY))
    assert (found.taps, found.notes, found.ignored, found.embedding_VH) == ((-1,), [], (), None)
    (jakiro if name == "of experts" else eagle2).ARCHITECTURE.network(layer, found.tensors).load_state_dict(held)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"rope_theta": None}, "rope_theta", 10_000.0),
        ({"rope_theta": None, "rope_parameters": {"rope_type": "default", "rope_theta": 7e5}}, "rope_theta", 7e5),
        ({"rope_scaling": {"rope_type": "default"}}, "rope_theta", 5e5),
        ({"rope_theta": 10_000}, "rope_theta", 10_000.0),
        ({"rope_parameters": {"rope_type": "default"}}, "rope_scaling", None),
        ({"rms_norm_eps": None}, "rms_norm_eps", 1e-6),
        ({"hidden_act": None}, "head_dim", 8),
        ({"head_dim": 16}, "head_dim", 8),
    ],
)
def test_what_a_config_leaves_out_is_what_its_readers_take(changes, field, value):
    assert getattr(read(drafted(config=published_config(**changes))).layer, field) == value


def test_without_a_number_of_key_heads_there_is_one_a_head():
    held = published_tensors()
    for name in "kv":
        held[f"layers.0.self_attn.{name}_proj.weight"] = torch.ones(HIDDEN, HIDDEN)
    assert read(drafted(held, published_config(num_key_value_heads=None))).layer.num_key_value_heads == HEADS


@pytest.mark.parametrize(
    ("held", "said", "noted"),
    [(True, None, False), (True, True, False), (True, False, True), (False, False, False), (False, None, True)],
)
def test_the_key_decides_on_the_bias_of_the_fusion(held, said, noted):
    found = read(drafted(published_tensors(bias=held), published_config(bias=said)))
    assert found.layer.bias == held
    assert ("fc.bias" in found.tensors) == held
    assert [" config says bias " in note and "these decide" in note for note in found.notes] == [True] * noted


def test_biases_of_a_qwen_2_are_kept_and_move_queries_keys_and_values():
    held = published_tensors(qkv_bias=True)
    found = read(drafted(held, published_config(qkv_bias=True)))
    assert found.notes == []
    assert "qkv_bias false" in read(drafted(held)).notes[0]
    network = eagle2.ARCHITECTURE.network(found.layer, found.tensors)
    network.load_state_dict(held)
    generator = torch.Generator().manual_seed(0)
    x_1TH = torch.randn(1, 3, HIDDEN, generator=generator)
    visible = torch.ones(1, 3, 3, dtype=torch.bool).tril()
    attention = network.layers[0].self_attn
    with torch.inference_mode():
        seen = attention(x_1TH, torch.arange(3)[None], visible, None)
        part = lambda name: [held[f"layers.0.self_attn.{name}_proj.{kind}"] for kind in ("weight", "bias")]
        q, k, v = (functional.linear(x_1TH, *part(name)).unflatten(-1, (-1, 8)).transpose(1, 2) for name in "qkv")
        angles = rotary(torch.arange(3)[None], 8, 500_000.0, torch.float32)
        q, k, v = _rotate(q, *angles), *(t.repeat_interleave(2, dim=1) for t in (_rotate(k, *angles), v))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        expected = mixed @ held["layers.0.self_attn.o_proj.weight"].T
    torch.testing.assert_close(seen, expected)


COPIES = {
    "embed_tokens.weight": (VOCABULARY, HIDDEN),
    "layers.0.self_attn.rotary_emb.inv_freq": (4,),
    "rotary_emb.inv_freq": (4,),
    "target_model.model.rotary_emb.inv_freq": (4,),
}


def test_copies_and_buffers_are_ignored_by_name():
    copies = random_tensors(COPIES)
    found = read(drafted(published_tensors() | copies))
    assert found.ignored == tuple(sorted(COPIES))
    assert found.embedding_VH is copies["embed_tokens.weight"]
    assert found.tensors.keys() == published_tensors().keys()


@pytest.mark.parametrize(
    "extra", ["lm_head.weight", "layers.1.mlp.up_proj.weight", "layers.0.input_layernorm.weight", "norm.weight", "x\ny"]
)
def test_a_key_of_another_network_is_named(extra):
    message = refusal(drafted(published_tensors() | {extra: torch.ones(2), "z": torch.ones(2)}))
    assert f"found no place for {extra!r} and 1 more" in message


@pytest.mark.parametrize("kind", [published_tensors, expert_tensors])
def test_any_key_that_is_missing_is_named_but_for_the_bias(kind):
    for name in kind():
        held = {key: tensor for key, tensor in kind().items() if key != name}
        if name == "fc.bias":
            assert not read(drafted(held)).layer.bias
        else:
            assert f"got no {name}; download it again" in refusal(drafted(held))


def test_any_tensor_of_another_shape_than_its_config_says_is_named():
    for name, tensor in published_tensors().items():
        message = refusal(drafted(published_tensors() | {name: tensor[1:]}))
        assert f"expected {name} of {tuple(tensor.shape)} by the sizes in its config" in message
    assert "expected fc.weight of (32, 64) by" in refusal(
        drafted(published_tensors() | {"fc.weight": torch.tensor(1.0)})
    )


def test_a_draft_model_of_another_target_is_refused_by_its_sizes():
    name_it = "; name its own target with --model"
    for changes, got in (({"hidden_size": 64}, "64 and 258"), ({"vocab_size": 300}, "32 and 300")):
        message = refusal(drafted(config=published_config(**changes)))
        assert (
            f"expected a draft model for the target's width 32 and vocabulary 258, got one for {got}{name_it}"
            in message
        )
    copy = {"embed_tokens.weight": torch.ones(300, HIDDEN)}
    assert "expected embed_tokens.weight of (258, 32), as" in refusal(drafted(published_tensors() | copy))


BAD_CONFIGS = {
    "no width": ({"hidden_size": None}, "hidden_size to be a positive whole number, got None"),
    "a width in words": ({"hidden_size": "32"}, "hidden_size to be a positive whole number, got '32'"),
    "a width of truth": ({"hidden_size": True}, "hidden_size to be a positive whole number, got True"),
    "no vocabulary": ({"vocab_size": None}, "vocab_size to be a positive whole number"),
    "more than there is": ({"intermediate_size": 10**30}, "intermediate_size to be a positive whole number"),
    "an inner width of another": ({"intermediate_size": 65}, "expected layers.0.mlp.gate_proj.weight of (65, 32)"),
    "no heads": ({"num_attention_heads": 0}, "num_attention_heads to be a positive whole number"),
    "more heads than width": ({"num_attention_heads": 64, "num_key_value_heads": 64}, "heads of one even width"),
    "heads in no groups": ({"num_key_value_heads": 3}, "expected heads of one even width in whole groups"),
    "an uneven width": ({"num_attention_heads": 3, "num_key_value_heads": 3}, "got 3 heads in 3 groups over a width"),
    "heads of width 1": (
        {"num_attention_heads": 32, "num_key_value_heads": 32},
        "got 32 heads in 32 groups over a width",
    ),
    "two layers": ({"num_hidden_layers": 2}, "expected one draft layer, got num_hidden_layers 2"),
    "another activation": ({"hidden_act": "gelu"}, "expected hidden_act silu, got 'gelu'"),
    "an activation of numbers": ({"hidden_act": [1]}, "expected hidden_act silu, got [1]"),
    "scaling of no form": ({"rope_scaling": 4}, "rope_scaling to be fields, got 4"),
    "a base of nothing": ({"rope_theta": 0}, "rope_theta to be a positive number, got 0"),
    "a base beyond numbers": ({"rope_theta": 10**400}, "rope_theta to be a positive number"),
    "an epsilon in words": ({"rms_norm_eps": "1e-6"}, "rms_norm_eps to be a positive number, got '1e-6'"),
    "a bias in words": ({"bias": "yes"}, "bias to be true or false, got 'yes'"),
}


@pytest.mark.parametrize("what", BAD_CONFIGS)
def test_a_config_that_no_layer_can_have_is_refused(what):
    changes, complaint = BAD_CONFIGS[what]
    assert complaint in refusal(drafted(config=published_config() | changes))


@pytest.mark.parametrize("name", ["num_local_experts", "num_experts_per_tok"])
def test_another_number_of_experts_is_refused(name):
    assert f"expected {name} 2, got 4" in refusal(drafted(expert_tensors(), published_config(**{name: 4})))
    assert read(drafted(expert_tensors(), published_config(**{name: 2})))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", OURS)
def test_what_is_read_computes_what_the_authors_layer_does(name, seed):
    """By `tests/engine/parity`, in the layout that its numbers come from."""
    sizes, held = given(name)["config"], tensors(name, seed)
    config = published_config(
        hidden_size=sizes["H"],
        intermediate_size=sizes["I"],
        num_attention_heads=sizes["heads"],
        num_key_value_heads=sizes["kv"],
        rms_norm_eps=sizes["eps"],
        rope_theta=sizes["rope_theta"],
        vocab_size=len(held["head"]),
    )
    weights = {key.removeprefix("weight."): tensor for key, tensor in held.items() if key.startswith("weight.")}
    found = drafted(weights, config)
    known = recognised(found)
    target = TargetShape(layer=known.read(found, Anything()).layer, vocab_size=len(held["head"]), num_layers=4)
    reading = known.read(found, target)
    assert reading.ignored == ("embed_tokens.weight",)
    network = {"eagle": eagle2, "jakiro": jakiro}[name].ARCHITECTURE.network(reading.layer, reading.tensors)
    network.load_state_dict(reading.tensors)
    pairs = held["features"].shape[1]
    with torch.inference_mode():
        following, _ = network(
            functional.embedding(held["tokens"][:, 1:], reading.embedding_VH),
            held["features"],
            torch.arange(pairs)[None],
            torch.ones(1, pairs, pairs, dtype=torch.bool).tril(),
        )
    theirs = held["fhat.0"][0] if name == "jakiro" else held["fhat.0"]
    torch.testing.assert_close(following, theirs, rtol=1e-5, atol=1e-5)


class Anything:
    """A target that any draft model fits."""

    def check(self, *_: object) -> None:
        """Says nothing."""
