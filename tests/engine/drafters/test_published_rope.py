"""Published draft layers with scaled positions: they compute what transformers does, and keep it on their way out."""

import copy
import json

import pytest
import torch
from torch import nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding

from offbook.baselines.decoding import eagle2
from offbook.engine.decoding.draft_layer import rotary
from offbook.engine.decoding.rope_scaling import RopeScaling
from offbook.engine.drafters.checkpoint import load_drafter
from offbook.engine.drafters.published.convert import fit, write
from offbook.engine.drafters.published.eagle import EAGLE
from offbook.engine.drafters.published.eagle3 import read_eagle3
from offbook.engine.drafters.published.files import PublishedDraft, read_published
from offbook.engine.drafters.published.formats import recognised
from offbook.engine.drafters.published.writing import write_published
from tests.engine.drafters.published_reading import FOLDER, drafted, read, refusal
from tests.engine.drafters.test_published_taps import ROWS, network_tensors, vocabulary
from tests.engine.drafters.test_published_taps import TARGET as TARGET_OF_TAPS
from tests.engine.drafters.test_training import TARGET, backbone
from tests.published import HIDDEN, published_config, published_tensors, save_published

ORIGINAL = "original_max_position_embeddings"
LINEAR = {"type": "linear", "factor": 4.0}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, ORIGINAL: 512}
YARN = {"rope_type": "yarn", "factor": 4.0, ORIGINAL: 512}
SCALINGS = {
    "linear": LINEAR,
    "llama3": LLAMA3,
    "yarn": YARN,
    "yarn with a factor of its own": {**YARN, "attention_factor": 1.3, "beta_fast": 16, "beta_slow": 2},
    "yarn that cuts nowhere": {**YARN, "truncate": False, "mscale": 1.0, "mscale_all_dim": 0.5, "beta_slow": None},
}
FAR = torch.arange(0, 4096, 7)[None]


def scaled(what: str) -> dict:
    """The config of a draft layer, as it stands on disk."""
    return published_config(rope_scaling=SCALINGS[what], max_position_embeddings=4096)


def as_transformers_reads(config: dict) -> LlamaConfig:
    told = LlamaConfig(**copy.deepcopy(config))  # which writes into what it is given
    told._attn_implementation = "eager"
    return told


def assert_angles_are_those_of(config: dict, layer) -> None:
    theirs = LlamaRotaryEmbedding(as_transformers_reads(config))(torch.zeros(1), FAR)
    ours = rotary(FAR, layer.head_dim, layer.rope_theta, torch.float32, layer.rope_scaling)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one[:, 0], other)


@pytest.mark.parametrize("what", SCALINGS)
def test_angles_are_those_of_transformers_to_the_last_bit(what):
    assert_angles_are_those_of(scaled(what), read(drafted(config=scaled(what))).layer)


def predicted(config: dict, embeds_BTH, features_BTH, places_BT) -> tuple[torch.Tensor, torch.Tensor]:
    """What the draft layer adds up to, and the rows that its attention reads."""
    found = read(drafted(config=config))
    network = eagle2.ARCHITECTURE.network(found.layer, found.tensors)
    network.load_state_dict(found.tensors)
    rows = places_BT.shape[1]
    following, _ = network(embeds_BTH, features_BTH, places_BT, torch.ones(1, rows, rows, dtype=torch.bool).tril())
    return following, network.fc(torch.cat([embeds_BTH, features_BTH], dim=-1))


@pytest.mark.parametrize("what", SCALINGS)
@torch.inference_mode()
def test_a_layer_computes_what_one_of_transformers_does(what):
    generator = torch.Generator().manual_seed(1)
    embeds, features = torch.randn(2, 1, 9, HIDDEN, generator=generator)
    places = torch.arange(9)[None] * 450
    ours, x = predicted(scaled(what), embeds, features, places)

    config = as_transformers_reads(scaled(what))
    layer = LlamaDecoderLayer(config, 0)
    layer.input_layernorm = nn.Identity()  # EAGLE's layer has none
    inside = "layers.0."
    held = published_tensors().items()
    layer.load_state_dict({key.removeprefix(inside): tensor for key, tensor in held if key.startswith(inside)})
    unseen = torch.full((1, 1, 9, 9), float("-inf")).triu(1)
    theirs = layer(x, attention_mask=unseen, position_embeddings=LlamaRotaryEmbedding(config)(x, places))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    plain, _ = predicted(published_config(), embeds, features, places)
    assert float((ours - plain).abs().max()) > 0.01, "the scaling does something"


# --- where a config says it ---


def scaling_of(**changes) -> RopeScaling | None:
    return read(drafted(config=published_config(**changes))).layer.rope_scaling


def test_parameters_are_kept_in_one_order_under_the_names_of_transformers():
    numbers = (("factor", 8.0), ("high_freq_factor", 4.0), ("low_freq_factor", 1.0), (ORIGINAL, 512))
    assert scaling_of(rope_scaling=LLAMA3) == RopeScaling(kind="llama3", numbers=numbers)
    assert scaling_of(rope_scaling=LLAMA3).parameters == LLAMA3


def test_the_newer_field_says_the_same_with_its_base_inside():
    newer = published_config(rope_theta=None, rope_scaling=None, rope_parameters={**LLAMA3, "rope_theta": 500_000.0})
    assert read(drafted(config=newer)).layer == read(drafted(config=published_config(rope_scaling=LLAMA3))).layer


def test_a_scaling_that_names_no_length_began_with_the_longest():
    unnamed = {name: value for name, value in LLAMA3.items() if name != ORIGINAL}
    assert scaling_of(rope_scaling=unnamed, max_position_embeddings=512) == scaling_of(rope_scaling=LLAMA3)
    on_top = {"rope_scaling": unnamed, ORIGINAL: 512, "max_position_embeddings": 4096}
    assert scaling_of(**on_top) == scaling_of(rope_scaling=LLAMA3)


def test_parameters_of_other_kinds_are_passed_over_as_transformers_does():
    more = {**LINEAR, "low_freq_factor": 1.0, ORIGINAL: 64, "partial_rotary_factor": 1.0, "short_factor": None}
    assert scaling_of(rope_scaling=more) == scaling_of(rope_scaling=LINEAR)


def test_an_eagle_3_of_speculators_for_a_llama_3_1_keeps_its_scaling():
    config = {"transformer_layer_config": scaled("llama3"), "draft_vocab_size": ROWS, "norm_before_residual": True}
    held = network_tensors() | vocabulary()
    found = PublishedDraft(folder=FOLDER, weights="w", config=config, tensors=held, files={})
    assert read_eagle3(found, TARGET_OF_TAPS).layer.rope_scaling == scaling_of(rope_scaling=LLAMA3)


REFUSED = {
    "a kind that follows the length": ({"type": "dynamic", "factor": 2.0}, "linear, llama3, yarn, got 'dynamic'; "),
    "another that does": ({"rope_type": "longrope"}, "got 'longrope'; offbook's draft layers turn a row once"),
    "a kind of no form": ({"rope_type": ["linear"]}, "got ['linear']; "),
    "no factor": ({"rope_type": "llama3"}, "config.json, rope_scaling: expected factor of rope_type llama3 to be"),
    "a factor of nothing": (LINEAR | {"factor": 0}, "factor of rope_type linear to be a positive number, got 0; down"),
    "a factor in words": (LINEAR | {"factor": "4"}, "factor of rope_type linear to be a positive number, got '4'"),
    "a factor of truth": (LINEAR | {"factor": True}, "factor of rope_type linear to be a positive number, got True"),
    "a factor of no end": (LINEAR | {"factor": 1e-320}, "expected numbers by which positions can be scaled, got {"),
    "a base of one": (YARN | {"rope_theta": 1}, "expected numbers by which positions can be scaled, got {"),
    "half a position": (YARN | {ORIGINAL: 512.5}, f"{ORIGINAL} to be a positive whole number, got 512.5"),
    "a cut in words": (YARN | {"truncate": "no"}, "truncate of rope_type yarn to be true or false, got 'no'"),
    "some of a head": (LINEAR | {"partial_rotary_factor": 0.5}, "of rope_type linear, got 'partial_rotary_factor'"),
    "pictures": (LINEAR | {"mrope_section": [1, 1, 2]}, "expected parameters of rope_type linear, got 'mrope_section'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_scaling_that_is_not_computed_is_refused_with_the_reason(what):
    scaling, complaint = REFUSED[what]
    assert complaint in refusal(drafted(config=published_config(rope_scaling=scaling)))


# --- what is kept of it ---


def imported(source, folder):
    draft = read_published(source)
    write(fit(draft, recognised(draft), eagle2.ARCHITECTURE, backbone(), target=TARGET), folder)
    return load_drafter(folder, backbone(), {"eagle2": eagle2.ARCHITECTURE})


@pytest.mark.parametrize("what", SCALINGS)
def test_a_drafter_and_what_is_exported_of_it_keep_the_scaling(what, tmp_path):
    loaded = imported(save_published(tmp_path / "source", config=scaled(what)), tmp_path / "drafter")
    layer = loaded.network.config
    assert_angles_are_those_of(scaled(what), layer)
    write_published(tmp_path / "drafter", loaded.config, tmp_path / "out", format_name=EAGLE)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["rope_scaling"]["type"] == config["rope_scaling"]["rope_type"] == layer.rope_scaling.kind
    assert_angles_are_those_of(config, layer)
    again = imported(tmp_path / "out", tmp_path / "again")
    assert again.network.config == layer


def test_a_drafter_whose_positions_are_not_scaled_says_nothing_of_it(tmp_path):
    loaded = imported(save_published(tmp_path / "source"), tmp_path / "drafter")
    assert set(loaded.config["layer"]) == {
        *("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim"),
        *("rms_norm_eps", "rope_theta", "bias", "qkv_bias", "taps", "draft_vocab_size", "norm_before_residual"),
    }
    write_published(tmp_path / "drafter", loaded.config, tmp_path / "out", format_name=EAGLE)
    assert "rope_scaling" not in json.loads((tmp_path / "out" / "config.json").read_text())
