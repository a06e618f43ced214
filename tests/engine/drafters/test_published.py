"""Published draft layers and heads: known by keys, read with the authors' sizes, refused where they do not fit."""

import dataclasses
import functools
import re

import pytest
import torch
from torch.nn import functional

from offbook.baselines.decoding import eagle2, medusa
from offbook.engine.decoding.draft_network import _rotary, _rotate
from offbook.engine.drafters.checkpoint import TargetName
from offbook.engine.drafters.published.convert import fit
from offbook.engine.drafters.published.files import PublishedDraft
from offbook.engine.drafters.published.formats import FORMATS, Format, recognised
from offbook.engine.drafters.published.reading import Reading, TargetShape
from offbook.methods.jakiro import drafter as jakiro
from tests.engine.drafters.test_training import TARGET, backbone
from tests.engine.test_parity import OURS, given, tensors
from tests.published import (
    GROUPS,
    HEADS,
    HIDDEN,
    VOCABULARY,
    attention_tensors,
    published_config,
    published_tensors,
    random_tensors,
)

EXPERTS = {
    "layers.0.mlp_moe.gate.weight": (4, HIDDEN),
    **{
        f"layers.0.mlp_moe.experts.{expert}.{name}_proj.weight": (HIDDEN, HIDDEN)
        for expert in range(2)
        for name in ("gate", "up", "down")
    },
}


def experts() -> dict[str, torch.Tensor]:
    return attention_tensors() | random_tensors(EXPERTS)


def heads(count: int = 5, *, own: bool = True, vocabulary: int = VOCABULARY) -> dict[str, torch.Tensor]:
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(count):
        shapes |= {f"{i}.0.linear.weight": (HIDDEN, HIDDEN), f"{i}.0.linear.bias": (HIDDEN,)}
        shapes |= {f"{i}.1.weight": (vocabulary, HIDDEN)} if own else {}
    return random_tensors(shapes)


@pytest.fixture
def draft(tmp_path):
    """Makes what was read from a folder."""

    def make(held=None, config=None) -> PublishedDraft:
        held = published_tensors() if held is None else held
        config = published_config() if config is None else config
        return PublishedDraft(folder=tmp_path, weights="w.bin", config=config, tensors=held, files={})

    return make


@functools.cache
def shape() -> TargetShape:
    return TargetShape.of(backbone())


def read(found: PublishedDraft) -> Reading:
    known = recognised(found)
    assert known.read is not None
    return known.read(found, shape())


def refusal(found: PublishedDraft) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        read(found)
    message = str(refused.value)
    assert "\n" not in message
    assert str(found.folder) in message
    return message


# --- the formats ---


def test_each_format_is_known_by_its_keys(draft):
    made = {"EAGLE-1 or EAGLE-2": published_tensors(), "Jakiro": experts(), "Medusa-1": heads()}
    for name, held in made.items():
        assert recognised(draft(held)).name == name
    assert recognised(draft(heads(3, own=False))).name == "Medusa-1"
    assert recognised(draft({"midlayer.hidden_norm.weight": torch.ones(2)})).name == "EAGLE-3"
    assert {known.name for known in FORMATS if known.read is not None} == {*made, "EAGLE-3"}


NOT_READ = {
    "Hydra": {"hydra_mlp.0.1.linear.weight": (32, 64), "hydra_lm_head.0.1.weight": (258, 32)},
    "Medusa-2": {"model.norm.weight": (32,), "medusa_head.0.0.linear.weight": (32, 32)},
    "Jakiro*": {"layers.0.mlp_moe.gate.weight": (2, 32), "layers.0.mlp_moe.experts.0.fc.weight": (64, 32)},
    "offbook's own": {"fc.weight": (32, 64), "draft_token_ids": (258,)},
    "speculators": {"fusion_fc.weight": (32, 64), "transformer.mlp.up_proj.weight": (64, 32)},
}


@pytest.mark.parametrize("name", NOT_READ)
def test_formats_that_are_known_and_not_read_are_named(name, draft):
    message = refusal(draft(random_tensors(NOT_READ[name])))
    assert "expected one of Medusa-1, Jakiro, EAGLE-3, EAGLE-1 or EAGLE-2, got " in message
    assert name in message.partition(", got ")[2]


def test_other_experts_of_jakiros_are_refused_as_the_starred_ones(draft):
    """Commented-out experts may stand in files: two-logit gates over SwiGLU, and three square maps."""
    swiglu = random_tensors(EXPERTS | {"layers.0.mlp_moe.gate.weight": (2, HIDDEN)})
    maps = random_tensors({f"layers.0.mlp_moe.experts.{e}.{n}.weight": (32, 32) for e in "01" for n in ("fc", "fc1")})
    for held in (swiglu, maps):
        assert "got Jakiro*; " in refusal(draft(attention_tensors() | held))


def test_keys_of_nothing_that_is_known_are_told(draft):
    held = {"model.layers.0.mlp.up_proj.weight": torch.ones(2), "lm_head.weight": torch.ones(2)}
    assert "got others ('lm_head.weight', 'model.layers.0.mlp.up_proj.weight'); check" in refusal(draft(held))
    assert "got others (none)" in refusal(draft({}))


# --- draft layers ---


@pytest.mark.parametrize("name", ["plain", "of experts"])
def test_a_layer_keeps_its_tensors_and_has_its_authors_sizes(name, draft):
    held = published_tensors() if name == "plain" else experts()
    found = read(draft(held))
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
        ({"rms_norm_eps": None}, "rms_norm_eps", 1e-6),
        ({"hidden_act": None}, "head_dim", 8),
        ({"head_dim": 16}, "head_dim", 8),
    ],
)
def test_what_a_config_leaves_out_is_what_its_readers_take(changes, field, value, draft):
    assert getattr(read(draft(config=published_config(**changes))).layer, field) == value


def test_without_a_number_of_key_heads_there_is_one_a_head(draft):
    held = published_tensors()
    for name in "kv":
        held[f"layers.0.self_attn.{name}_proj.weight"] = torch.ones(HIDDEN, HIDDEN)
    assert read(draft(held, published_config(num_key_value_heads=None))).layer.num_key_value_heads == HEADS


@pytest.mark.parametrize(
    ("held", "said", "noted"),
    [(True, None, False), (True, True, False), (True, False, True), (False, False, False), (False, None, True)],
)
def test_the_key_decides_on_the_bias_of_the_fusion(held, said, noted, draft):
    found = read(draft(published_tensors(bias=held), published_config(bias=said)))
    assert found.layer.bias == held
    assert ("fc.bias" in found.tensors) == held
    assert [" config says bias " in note and "these decide" in note for note in found.notes] == [True] * noted


def test_biases_of_a_qwen_2_are_kept_and_move_queries_keys_and_values(draft):
    held = published_tensors(qkv_bias=True)
    found = read(draft(held, published_config(qkv_bias=True)))
    assert found.notes == []
    assert "qkv_bias false" in read(draft(held)).notes[0]
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
        angles = _rotary(torch.arange(3)[None], 8, 500_000.0, torch.float32)
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


def test_copies_and_buffers_are_ignored_by_name(draft):
    copies = random_tensors(COPIES)
    found = read(draft(published_tensors() | copies))
    assert found.ignored == tuple(sorted(COPIES))
    assert found.embedding_VH is copies["embed_tokens.weight"]
    assert found.tensors.keys() == published_tensors().keys()


@pytest.mark.parametrize(
    "extra", ["lm_head.weight", "layers.1.mlp.up_proj.weight", "layers.0.input_layernorm.weight", "norm.weight", "x\ny"]
)
def test_a_key_of_another_network_is_named(extra, draft):
    message = refusal(draft(published_tensors() | {extra: torch.ones(2), "z": torch.ones(2)}))
    assert f"found no place for {extra!r} and 1 more" in message


@pytest.mark.parametrize("kind", [published_tensors, experts])
def test_any_key_that_is_missing_is_named_but_for_the_bias(kind, draft):
    for name in kind():
        held = {key: tensor for key, tensor in kind().items() if key != name}
        if name == "fc.bias":
            assert not read(draft(held)).layer.bias
        else:
            assert f"got no {name}; download it again" in refusal(draft(held))


def test_any_tensor_of_another_shape_than_its_config_says_is_named(draft):
    for name, tensor in published_tensors().items():
        message = refusal(draft(published_tensors() | {name: tensor[1:]}))
        assert f"expected {name} of {tuple(tensor.shape)} by the sizes in its config" in message
    assert "expected fc.weight of (32, 64) by" in refusal(draft(published_tensors() | {"fc.weight": torch.tensor(1.0)}))


def test_a_draft_model_of_another_target_is_refused_by_its_sizes(draft):
    name_it = "; name its own target with --model"
    for changes, got in (({"hidden_size": 64}, "64 and 258"), ({"vocab_size": 300}, "32 and 300")):
        message = refusal(draft(config=published_config(**changes)))
        assert (
            f"expected a draft model for the target's width 32 and vocabulary 258, got one for {got}{name_it}"
            in message
        )
    copy = {"embed_tokens.weight": torch.ones(300, HIDDEN)}
    assert "expected embed_tokens.weight of (258, 32), as" in refusal(draft(published_tensors() | copy))


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
    "two layers": ({"num_hidden_layers": 2}, "expected one draft layer, got num_hidden_layers 2"),
    "another activation": ({"hidden_act": "gelu"}, "expected hidden_act silu, got 'gelu'"),
    "an activation of numbers": ({"hidden_act": [1]}, "expected hidden_act silu, got [1]"),
    "scaled positions": ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling: expected positions that"),
    "scaled another way": ({"rope_parameters": {"rope_type": "llama3"}}, "that are not scaled, got 'llama3'"),
    "scaling of no form": ({"rope_scaling": 4}, "rope_scaling to be fields, got 4"),
    "a base of nothing": ({"rope_theta": 0}, "rope_theta to be a positive number, got 0"),
    "a base beyond numbers": ({"rope_theta": 10**400}, "rope_theta to be a positive number"),
    "an epsilon in words": ({"rms_norm_eps": "1e-6"}, "rms_norm_eps to be a positive number, got '1e-6'"),
    "a bias in words": ({"bias": "yes"}, "bias to be true or false, got 'yes'"),
}


@pytest.mark.parametrize("what", BAD_CONFIGS)
def test_a_config_that_no_layer_can_have_is_refused(what, draft):
    changes, complaint = BAD_CONFIGS[what]
    assert complaint in refusal(draft(config=published_config() | changes))


@pytest.mark.parametrize("name", ["num_local_experts", "num_experts_per_tok"])
def test_another_number_of_experts_is_refused(name, draft):
    assert f"expected {name} 2, got 4" in refusal(draft(experts(), published_config(**{name: 4})))
    assert read(draft(experts(), published_config(**{name: 2})))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", OURS)
def test_what_is_read_computes_what_the_authors_layer_does(name, seed, draft):
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
    found = draft(weights, config)
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


# --- heads ---


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_heads_are_counted_by_their_keys(count, own, draft):
    held = heads(count, own=own)
    found = read(draft(held, {"medusa_num_heads": count, "medusa_num_layers": 1}))
    assert found.notes == []
    assert found.layer == shape().layer
    network = medusa.ARCHITECTURE.network(found.layer, found.tensors)
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


def test_another_count_in_the_config_is_told(draft):
    (note,) = read(draft(heads(5), {"medusa_num_heads": 2})).notes
    assert "says medusa_num_heads 2, the file has 5: the file decides" in note
    assert read(draft(heads(5), {})).notes == []


@pytest.mark.parametrize("gone", ["0.0.linear.bias", "1.0.linear.bias", "2.1.weight", "0.1.weight"])
def test_a_part_of_a_head_that_is_missing_is_named(gone, draft):
    held = {key: tensor for key, tensor in heads(3).items() if key != gone}
    assert f"got no {gone}; download it again" in refusal(draft(held, {}))


def test_heads_that_are_no_row_are_refused(draft):
    held = {key: tensor for key, tensor in heads(3).items() if not key.startswith("1.")}
    assert "got no 1.0.linear.weight and" in refusal(draft(held, {}))
    far = {"9999999999.0.linear.weight": torch.ones(32, 32)}
    assert "got no 1.0.linear.weight and 2 more" in refusal(draft(heads(1) | far, {}))
    several = heads(2) | {"0.1.linear.weight": torch.ones(32, 32), "0.1.linear.bias": torch.ones(32)}
    assert "expected one residual block a head, got '0.1.linear.weight'" in refusal(draft(several, {}))


def test_heads_of_another_target_are_refused_by_their_sizes(draft):
    assert "got one for 32 and 300; name its own target" in refusal(draft(heads(vocabulary=300), {}))
    wide = {"0.0.linear.weight": torch.ones(64, 64), "0.0.linear.bias": torch.ones(64)}
    assert "got one for 64 and 258; name its own target" in refusal(draft(wide, {}))
    odd = heads(2) | {"1.0.linear.weight": torch.ones(32, 31)}
    assert "expected 1.0.linear.weight of (32, 32) by" in refusal(draft(odd, {}))


# --- into a network ---


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"taps": (2, 6, 9)}, "expected a draft model of the target's hidden states [-1], got one of [2, 6, 9]"),
        ({"tensors": {}}, "expected the tensors of 'eagle2', got Error(s) in loading state_dict"),
    ],
)
def test_a_reading_that_its_decoder_has_no_network_for_is_refused(change, complaint, draft):
    found = draft()
    odd = Format(name="odd", marks=lambda _: True, read=lambda *_: dataclasses.replace(read(found), **change))
    with pytest.raises(ValueError, match=re.escape(complaint)) as refused:
        fit(found, odd, eagle2.ARCHITECTURE, backbone(), target=TARGET)
    assert "\n" not in str(refused.value)


def test_a_fingerprint_hangs_on_files_decoder_and_target(draft):
    found, known = draft(), recognised(draft())
    fitted = fit(found, known, eagle2.ARCHITECTURE, backbone(), target=TARGET)
    others = [
        dataclasses.replace(fitted, draft=dataclasses.replace(found, files={"config.json": "0"})),
        dataclasses.replace(fitted, architecture=jakiro.ARCHITECTURE),
        dataclasses.replace(fitted, target=TargetName(name="tiny", weights_sha256="1" * 64)),
    ]
    assert len({fitted.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert fit(found, known, eagle2.ARCHITECTURE, backbone(), target=TARGET).fingerprint == fitted.fingerprint
