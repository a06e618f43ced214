"""What a training costs is what torch counts of it; sizes of a layer, and so the cost, are the variant's."""

import functools
import json
from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftData, LearnedRows, kept_taps
from offbook.engine.drafters.checkpoint import draft_config, load_drafter
from offbook.engine.drafters.features import Features
from offbook.engine.drafters.flops import training_cost
from offbook.engine.drafters.train import train_drafter
from offbook.harness.roster.networks import NETWORKS
from tests.engine.drafters.test_training import CONFIG, QUICK, TARGET
from tests.tiny import tiny_model

VOCABULARY = 60
ANSWERS = tuple(
    Answer(
        id=str(n),
        prompt_tokens=tuple((7 * n + i) % VOCABULARY for i in range(2 + n)),
        answer_tokens=tuple((n + 5 * i * i) % VOCABULARY for i in range(length)),
    )
    for n, length in enumerate((9, 12, 1, 0))  # the last two have next to nothing to learn
)
IDS = torch.arange(0, VOCABULARY, 2)
TRAINED = {name: chosen for name, chosen in NETWORKS.items() if chosen.drafter_of is None}
VARIANTS = {
    "medusa": ({}, {"heads": 2}, {"own_heads": True}),
    "eagle2": ({}, {"passes": 3}, {"likeliest": 1.0}, {"width": 24}),
    "eagle3": ({}, {"ttt_steps": 7}, {"width": 24}),
    "jakiro": ({}, {"experts": 3}, {"second": "none"}, {"second": "mixture", "passes": 2, "likeliest": 1.0}),
    "jakiro_decoupled": ({}, {"experts": 3}),
}
CASES = [(name, variant) for name, variants in VARIANTS.items() for variant in variants]


@functools.cache
def backbone() -> Backbone:
    return Backbone(tiny_model(vocab_size=VOCABULARY, num_hidden_layers=5))


def made(name, variant):
    architecture = TRAINED[name].trained(variant)
    assert isinstance(architecture, DraftArchitecture)
    layer = architecture.sized(draft_config(backbone()), layers=5, draft_vocab_size=len(IDS))
    sequences = [(*answer.prompt_tokens, *answer.answer_tokens) for answer in ANSWERS]
    features = Features(backbone(), sequences, None, target="tiny", taps=kept_taps(layer.taps))
    data = DraftData(ANSWERS, sequences, features, IDS, backbone().embedding_VH, layer.taps)
    network, head = architecture.build(layer), DraftHead(backbone().head_VH, IDS)
    if architecture.start is not None:
        architecture.start(network, head)
    return architecture, network, data, head


@pytest.mark.parametrize(("name", "variant"), CASES, ids=str)
@pytest.mark.parametrize("row", range(len(ANSWERS)))
def test_the_formula_counts_what_torch_counts_of_a_step(name, variant, row):
    architecture, network, data, head = made(name, variant)
    batch = data.batch([row], CONFIG, None)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:  # torch counts no other on a CPU
        architecture.objective(network, batch, head).backward()
    assert counter.get_total_flops() == architecture.flops(network, data.learned(row), head)


def test_no_gradient_reaches_the_target():
    for name, variant in CASES:
        architecture, network, data, head = made(name, variant)
        architecture.objective(network, data.batch([0, 1], CONFIG, None), head).backward()
        assert all(parameter.grad is None for parameter in backbone().model.parameters()), name


def test_rows_that_count_are_those_of_a_batch():
    _, _, data, _ = made("eagle2", {})
    batch = data.batch([0, 1, 2, 3], CONFIG, None)
    for row in range(4):
        learned = data.learned(row)
        assert learned.following == tuple(batch.following_BT[row].nonzero().flatten().tolist())
        assert learned.later(0) == len(learned.following)
        assert learned.later(1) == int(batch.later_BT[row].sum())
        assert learned.rows == len(data.sequences[row]) - 1
    assert LearnedRows(rows=9, following=(0, 3, 4)).later(4) == 1


def test_a_training_costs_an_epoch_as_often_as_there_are_epochs():
    architecture, network, data, head = made("eagle2", {})
    once = training_cost(architecture, network, data, [0, 1], head, epochs=1)
    assert once["gradient_tokens"] == sum(data.learned(i).later(0) for i in (0, 1)) > 0
    assert once["flops"] == sum(architecture.flops(network, data.learned(i), head) for i in (0, 1))
    thrice = training_cost(architecture, network, data, [0, 1], head, epochs=3)
    assert thrice == {name: 3 * value for name, value in once.items()}
    unknown = training_cost(replace(architecture, flops=None), network, data, [0, 1], head, epochs=1)
    assert unknown == {"gradient_tokens": once["gradient_tokens"]}


@pytest.mark.parametrize("name", ["eagle2", "eagle3"])
def test_a_layer_of_another_width_is_trained_and_read_back_and_says_what_it_cost(name, tmp_path):
    found = {}
    for width in (None, 24):
        variant = {} if width is None else {"width": width}
        architecture = TRAINED[name].trained(variant)
        config = replace(QUICK, epochs=2, draft_vocab_size=30)
        folder = train_drafter(backbone(), architecture, ANSWERS, config, tmp_path / str(width), target=TARGET)
        loaded = load_drafter(folder, backbone(), {name: architecture})
        assert loaded.config.get("variant", {}) == variant
        assert loaded.config["layer"]["intermediate_size"] == (64 if width is None else width)
        found[width] = loaded.parameters, json.loads((folder / "config.json").read_text())["training"]
    hidden = backbone().embedding_VH.shape[1]
    assert found[None][0] - found[24][0] == 3 * hidden * (64 - 24)
    wide, narrow = found[None][1], found[24][1]
    assert wide["gradient_tokens"] == narrow["gradient_tokens"] > 0
    assert wide["flops"] > narrow["flops"] > 0
    read = load_drafter(tmp_path / "24", backbone(), {name: TRAINED[name].trained({})})
    assert read.parameters == found[24][0], "sizes are the checkpoint's"
