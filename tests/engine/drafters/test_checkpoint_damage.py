"""A drafter whose config, weights and draft vocabulary do not fit each other is refused in one line, never used."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.engine.drafters.checkpoint import draft_config, load_drafter, save_drafter
from offbook.engine.drafters.draft_tensors import TOKEN_IDS
from tests.engine.drafters.test_training import ARCHITECTURES, TARGET, backbone

IDS = torch.arange(0, 258, 2)


@pytest.fixture
def folder(tmp_path):
    network = ARCHITECTURES["eagle2"].build(draft_config(backbone()))
    save_drafter(
        tmp_path, network, IDS, layer=network.config, architecture="eagle2", target=TARGET, vocab_size=258, training={}
    )
    return tmp_path


def refusal(folder):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        load_drafter(folder, backbone(), ARCHITECTURES)
    message = str(refused.value)
    assert "\n" not in message
    assert str(folder) in message
    assert "train" in message
    return message


def test_what_was_saved_is_read(folder):
    assert torch.equal(load_drafter(folder, backbone(), ARCHITECTURES).head.token_ids, IDS)


BAD_IDS = {
    "beyond the vocabulary": IDS + 4,
    "negative": IDS - 2,
    "out of order": IDS.flip(0),
    "twice the same": IDS.clone().fill_(6),
    "too few": IDS[:-1],
    "none": IDS[:0],
    "as numbers with a point": IDS.float(),
    "as 32 bits": IDS.int(),
    "in a table": IDS[None],
    "a single one": torch.tensor(5),
}


@pytest.mark.parametrize("what", BAD_IDS)
def test_draft_token_ids_that_do_not_fit_are_refused(folder, what):
    path = folder / "model.safetensors"
    save_file(load_file(path) | {TOKEN_IDS: BAD_IDS[what].contiguous()}, path)
    assert "draft_token_ids that are not 129 ascending ids below 258" in refusal(folder)


BAD_LAYERS = {
    "another inner size": {"intermediate_size": 63},
    "more than memory holds": {"intermediate_size": 10**13},
    "more than 64 bits hold": {"intermediate_size": 10**30},
    "more heads": {"num_attention_heads": 8},
    "fewer key heads": {"num_key_value_heads": 1},
    "heads in no groups": {"num_key_value_heads": 3},
    "an odd head": {"head_dim": 7},
    "no bias": {"bias": False},
    "a size in words": {"head_dim": "8"},
    "a size with a point": {"head_dim": 8.0},
    "a size of truth": {"num_key_value_heads": True},
    "no size": {"head_dim": None},
    "nothing": {"num_attention_heads": 0},
    "less than nothing": {"num_attention_heads": -4},
    "an epsilon in words": {"rms_norm_eps": "1e-6"},
    "an epsilon of nothing": {"rms_norm_eps": 0.0},
    "no number": {"rope_theta": float("nan")},
    "infinity": {"rope_theta": float("inf")},
    "a list": {"rope_theta": [10000.0]},
    "rows of a head that it has not": {"draft_vocab_size": 129},
    "fewer rows than none": {"draft_vocab_size": -1},
    "a state beyond the last": {"taps": [3]},
    "no state": {"taps": []},
    "a scaling in words": {"rope_scaling": "linear"},
    "a scaling by length": {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}},
    "a scaling by nothing": {"rope_scaling": {"rope_type": "linear", "factor": 0}},
}


@pytest.mark.parametrize("what", BAD_LAYERS)
def test_a_layer_that_does_not_fit_its_weights_or_is_none_is_refused(folder, what):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["layer"] |= BAD_LAYERS[what]
    path.write_text(json.dumps(config))
    refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"draft_vocab_size": 128},
        {"draft_vocab_size": "129"},
        {"architecture": ["eagle2"]},
        {"layer": []},
        {"target": {"name": "tiny", "weights_sha256": 5}},
        {"target": {"name": None, "weights_sha256": "ab" * 32}},
    ],
)
def test_other_fields_that_do_not_fit_are_refused(folder, changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (any of several messages)
        load_drafter(folder, backbone(), ARCHITECTURES, target=TARGET)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", [b"[" * 100_000, b"\xff\xfe{}", b'{"schema_version": 1'], ids=["deep", "odd", "torn"])
def test_a_config_that_cannot_be_read_is_refused(folder, text):
    (folder / "config.json").write_bytes(text)
    refusal(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
def test_weights_that_are_not_finite_are_refused_by_name(folder, value):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["layers.0.mlp.up_proj.weight"][1, 2] = value
    save_file(tensors, path)
    assert "got NaN or infinity in layers.0.mlp.up_proj.weight" in refusal(folder)


def test_a_checkpoint_that_names_no_taps_reads_the_last_state(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    assert (config["layer"].pop("taps"), config["layer"].pop("draft_vocab_size")) == ([-1], 0)
    path.write_text(json.dumps(config))
    assert load_drafter(folder, backbone(), ARCHITECTURES).network.config.taps == (-1,)


def test_a_tensor_that_the_layer_has_no_place_for_is_refused(folder):
    path = folder / "model.safetensors"
    save_file(load_file(path) | {"layers.1.mlp.up_proj.weight": torch.ones(2, 2)}, path)
    assert "layers.1.mlp.up_proj.weight" in refusal(folder)


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_quantised_weights_are_refused_as_such(folder, kind):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = "layers.0.mlp.up_proj.weight"
    save_file(tensors | {name: tensors[name].to(kind)}, path)
    assert f"got {name} in {str(kind).removeprefix('torch.')}, as quantised weights are" in refusal(folder)
