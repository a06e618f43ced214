"""EAGLE-3 as published: both spellings, the states that it reads, and a draft vocabulary told by offsets."""

import pytest
import torch

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.published.eagle3 import IDS, SWITCHES, read_eagle3
from offbook.engine.drafters.published.files import PublishedDraft
from offbook.engine.drafters.published.formats import recognised
from offbook.engine.drafters.published.reading import TargetShape
from tests.published import GROUPS, HEADS, HIDDEN, INNER, VOCABULARY, published_config, random_tensors

LAYERS, ROWS = 12, 40
LAYER = DraftConfig(
    hidden_size=HIDDEN,
    intermediate_size=INNER,
    num_attention_heads=HEADS,
    num_key_value_heads=GROUPS,
    head_dim=8,
    rms_norm_eps=1e-5,
    rope_theta=500_000.0,
)
TARGET = TargetShape(layer=LAYER, vocab_size=VOCABULARY, num_layers=LAYERS)
IDS_OF_TARGET = torch.arange(ROWS) * 6 + 3  # ascending, and no two offsets alike


def network_tensors(*, rows: int = ROWS, taps: int = 3, head_dim: int = 8) -> dict[str, torch.Tensor]:
    queries, keys = HEADS * head_dim, GROUPS * head_dim
    inside = {
        "input_layernorm": (HIDDEN,),
        "hidden_norm": (HIDDEN,),
        "self_attn.q_proj": (queries, 2 * HIDDEN),
        "self_attn.k_proj": (keys, 2 * HIDDEN),
        "self_attn.v_proj": (keys, 2 * HIDDEN),
        "self_attn.o_proj": (HIDDEN, queries),
        "post_attention_layernorm": (HIDDEN,),
        "mlp.gate_proj": (INNER, HIDDEN),
        "mlp.up_proj": (INNER, HIDDEN),
        "mlp.down_proj": (HIDDEN, INNER),
    }
    shapes = {"fc.weight": (HIDDEN, taps * HIDDEN), "norm.weight": (HIDDEN,), "lm_head.weight": (rows, HIDDEN)}
    return random_tensors(shapes | {f"midlayer.{name}.weight": shape for name, shape in inside.items()})


def vocabulary() -> dict[str, torch.Tensor]:
    kept = torch.zeros(VOCABULARY, dtype=torch.bool)
    kept[IDS_OF_TARGET] = True
    return {"d2t": IDS_OF_TARGET - torch.arange(ROWS), "t2d": kept}


@pytest.fixture
def draft(tmp_path):
    def make(held=None, **changes) -> PublishedDraft:
        held = network_tensors() | vocabulary() if held is None else held
        config = published_config(**({"draft_vocab_size": ROWS} | changes))
        return PublishedDraft(folder=tmp_path, weights="w.bin", config=config, tensors=held, files={})

    return make


def refusal(found: PublishedDraft, target: TargetShape = TARGET) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        read_eagle3(found, target)
    message = str(refused.value)
    assert "\n" not in message
    assert str(found.folder) in message
    return message


def test_a_whole_file_keeps_its_tensors_under_the_authors_names(draft):
    found = draft()
    reading = read_eagle3(found, TARGET)
    assert recognised(found).read is read_eagle3
    assert reading.tensors.keys() == network_tensors().keys()
    assert all(reading.tensors[name] is found.tensors[name] for name in reading.tensors)
    assert reading.token_ids.tolist() == IDS_OF_TARGET.tolist()
    assert reading.taps == (2, 6, 9)
    assert (reading.layer.bias, reading.layer.rope_theta) == (False, 500_000.0)
    assert (reading.ignored, reading.embedding_VH) == ((), None)


def test_the_other_spelling_and_the_copies_beside_it_are_the_same_network(draft):
    copies = random_tensors({"embed_tokens.weight": (VOCABULARY, HIDDEN), "target_model.x": (2,)})
    other = {name.replace("midlayer.", "layers.0."): tensor for name, tensor in network_tensors().items()}
    found = draft(other | vocabulary() | copies)
    assert recognised(found).read is read_eagle3
    reading, plain = read_eagle3(found, TARGET), read_eagle3(draft(), TARGET)
    assert reading.tensors.keys() == plain.tensors.keys()
    assert all(torch.equal(tensor, plain.tensors[name]) for name, tensor in reading.tensors.items())
    assert reading.ignored == ("embed_tokens.weight", "target_model.x")
    assert reading.embedding_VH is copies["embed_tokens.weight"]
    assert "as the name of the layer, got both" in refusal(draft(network_tensors() | other | vocabulary()))


def test_speculators_config_has_its_sizes_one_level_below(draft):
    sizes = published_config()
    found = draft()
    nested = {"speculators_model_type": "eagle3", "transformer_layer_config": sizes, "draft_vocab_size": ROWS}
    plain = PublishedDraft(folder=found.folder, weights="w", config=nested, tensors=found.tensors, files={})
    assert read_eagle3(plain, TARGET).layer == read_eagle3(found, TARGET).layer


def test_heads_may_have_a_width_of_their_own(draft):
    held = network_tensors(head_dim=16) | vocabulary()
    assert read_eagle3(draft(held, head_dim=16), TARGET).layer.head_dim == 16
    assert "expected midlayer.self_attn.q_proj.weight of (32, 64) by" in refusal(draft(held))


def test_a_draft_vocabulary_of_all_tokens_needs_no_table(draft):
    found = draft(network_tensors(rows=VOCABULARY), draft_vocab_size=None)
    assert read_eagle3(found, TARGET).token_ids.tolist() == list(range(VOCABULARY))


# --- the states it reads ---


@pytest.mark.parametrize(
    ("changes", "taps"),
    [
        ({IDS: [1, 5]}, (1, 5)),
        ({"eagle_config": {IDS: [1, 5, 8]}}, (2, 6, 9)),
        ({IDS: [3, 4, 5], "eagle_config": {IDS: [2, 3, 4]}}, (3, 4, 5)),
        ({"eagle_config": {}}, (2, 6, 9)),
        ({"eagle_config": None}, (2, 6, 9)),
    ],
)
def test_states_that_a_config_names_are_taken(changes, taps, draft):
    held = network_tensors(taps=len(taps)) | vocabulary()
    assert read_eagle3(draft(held, **changes), TARGET).taps == taps


@pytest.mark.parametrize("ids", [[], [2, 6, 12], [-1, 6, 9], ["2"], [True, 6, 9], 3, {"a": 1}])
def test_states_that_the_target_does_not_have_are_refused(ids, draft):
    assert f"expected hidden states below the target's 12 layers, got {ids!r}" in refusal(draft(**{IDS: ids}))


def test_a_target_of_few_layers_has_no_states_by_default(draft):
    few = TargetShape(layer=LAYER, vocab_size=VOCABULARY, num_layers=2)
    assert "below the target's 2 layers, got [2, 1, -1]" in refusal(draft(), few)


def test_the_fusion_is_as_wide_as_the_states_that_it_reads(draft):
    assert "expected fc.weight of (32, 64) by the sizes in its config, got (32, 96)" in refusal(draft(**{IDS: [1, 2]}))


# --- the draft vocabulary ---

SPOILED = {
    "no offsets": ({"d2t": None}, "expected d2t, the ids of a draft vocabulary of 40, found none"),
    "too few": ({"d2t": torch.zeros(39, dtype=torch.int64)}, "expected d2t to be 40 whole numbers, got (39,) of int64"),
    "numbers with a point": ({"d2t": torch.zeros(40)}, "expected d2t to be 40 whole numbers, got (40,) of float32"),
    "beyond": ({"d2t": torch.full((40,), 219)}, "ascending ids below 258"),
    "below": ({"d2t": torch.full((40,), -1)}, "ascending ids below 258"),
    "twice the same": ({"d2t": -torch.arange(40)}, "ascending ids below 258"),
    "absolute ids": ({"d2t": IDS_OF_TARGET.flip(0)}, "ascending ids below 258"),
    "another mask": ({"t2d": torch.ones(258, dtype=torch.bool)}, "expected t2d to mark the ids that d2t names"),
    "a mask of another size": ({"t2d": torch.ones(3, dtype=torch.bool)}, "expected t2d to mark"),
    "a mask of numbers": ({"t2d": torch.ones(258)}, "expected t2d to mark"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_draft_vocabulary_that_is_none_is_refused(what, draft):
    changes, complaint = SPOILED[what]
    held = {name: tensor for name, tensor in (network_tensors() | vocabulary() | changes).items() if tensor is not None}
    assert complaint in refusal(draft(held))


def test_offsets_up_to_the_last_token_are_taken(draft):
    held = network_tensors() | {"d2t": torch.full((ROWS,), VOCABULARY - ROWS)}
    assert read_eagle3(draft(held), TARGET).token_ids.tolist() == list(range(VOCABULARY - ROWS, VOCABULARY))


# --- what does not fit ---


def test_any_tensor_that_is_missing_or_of_another_shape_is_named(draft):
    for name, tensor in network_tensors().items():
        whole = network_tensors() | vocabulary()
        assert f"got no {name}; " in refusal(draft({key: t for key, t in whole.items() if key != name}))
        assert f"expected {name} of {tuple(tensor.shape)} by" in refusal(draft(whole | {name: tensor[1:]}))


@pytest.mark.parametrize(
    "extra", ["fc.bias", "fc_norm.0.weight", "input_norm.weight", "midlayer.self_attn.q_proj.bias"]
)
def test_a_key_of_another_variant_is_named(extra, draft):
    held = network_tensors() | vocabulary() | {extra: torch.ones(HIDDEN)}
    assert f"found no place for {extra!r}; it is another network" in refusal(draft(held))


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_of_another_variant_is_named(name, draft):
    assert f"expected {name} false, got true" in refusal(draft(**{name: True}))
    assert read_eagle3(draft(**{name: False}), TARGET)


def test_a_layer_that_adds_to_its_normed_feature_is_told_by_its_config(draft):
    assert read_eagle3(draft(norm_before_residual=True), TARGET).layer.norm_before_residual
    for changes in ({}, {"norm_before_residual": False}):
        assert not read_eagle3(draft(**changes), TARGET).layer.norm_before_residual


def test_a_draft_model_of_another_target_is_refused_by_its_sizes(draft):
    assert "got one for 32 and 300; name its own target" in refusal(draft(vocab_size=300))
    assert "got one for 64 and 258; name its own target" in refusal(draft(target_hidden_size=64))
    narrow = refusal(draft(hidden_size=64, target_hidden_size=32))
    assert "got a draft layer of width 64 with an embedding of its own" in narrow
