"""The profile `drafters`: who takes part, on what they are equal, and in what which rows are matched."""

from collections import Counter

import pytest
import torch
from torch import nn

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.harness.matrix.plan import plan
from offbook.harness.roster.decoders import contender
from offbook.harness.settings.matrix import TUNED
from offbook.harness.settings.profiles import load_profile

PROFILE = load_profile("drafters")[1]
VOCABULARY, LAYERS, DEPTH = 8192, 30, 3
SMOLLM2 = DraftConfig(
    hidden_size=576,
    intermediate_size=1536,
    num_attention_heads=9,
    num_key_value_heads=3,
    head_dim=64,
    rms_norm_eps=1e-5,
    rope_theta=1e5,
)
HEAD = VOCABULARY * SMOLLM2.hidden_size


def who(name: str) -> str:
    return PROFILE.decoders[name].decoder or name


def variant(name: str) -> dict:
    return PROFILE.decoders[name].training.variant or {}


def network(name: str) -> nn.Module:
    """An entry's draft network at the sizes of SmolLM2-135M, without weights."""
    architecture = contender(who(name)).trained(variant(name))
    assert isinstance(architecture, DraftArchitecture)
    with torch.device("meta"):
        return architecture.build(architecture.sized(SMOLLM2, layers=LAYERS, draft_vocab_size=VOCABULARY))


def parameters(name: str) -> int:
    """Of the layer; a head of its own, which is as large as the rows that others read of the target's, left out."""
    return sum(p.numel() for part, p in network(name).named_parameters() if part != "lm_head.weight")


def read_a_round(name: str) -> int:
    """Weights that the passes of a round read, heads included; what fuses the target's states is read once."""
    made, chosen = network(name), contender(who(name)).trained(variant(name))
    fuses = 0 if made.config.taps == (-1,) else sum(p.numel() for p in made.fc.parameters())
    passes = DEPTH if chosen.contrast else DEPTH + 1
    return fuses + passes * (parameters(name) - fuses) + (DEPTH + 1) * HEAD


def test_trained_decoders_that_keep_their_targets_law_take_part() -> None:
    trained = {"ngram_table", "medusa", "eagle", "eagle2", "lookup_else_eagle2", "eagle3", "jakiro", "jakiro_decoupled"}
    assert trained | {"autoregressive"} == {who(name) for name in PROFILE.decoders}
    assert all(contender(name).architecture is not None and not contender(name).lossy for name in trained)
    assert {(spec.decoder or name, spec.layout) for name, spec in PROFILE.decoders.items()} >= {
        ("autoregressive", "auto"),
        ("autoregressive", "packed"),
    }


def test_all_are_asked_the_same_and_may_propose_as_much() -> None:
    graph = plan(PROFILE)
    heats = graph.of_kind("heat")
    assert len(heats) == 6 * 2
    assert {heat.spec["limit"] for heat in heats} == {40}
    assert {heat.spec["sampling"]["temperature"] for heat in heats} == {0, 1}
    assert all(len(heat.spec["arms"]) == len(PROFILE.decoders) for heat in heats)
    for arm in heats[0].spec["arms"]:
        options = arm["options"]
        assert options.get("total_tokens", 16) == 16
        assert options.get("nodes", 15) == options.get("num_tokens", 15) == 15
        assert options.get("depth", DEPTH) in {DEPTH, None}  # a static tree has its own


def test_all_learn_from_the_same_answers_as_often() -> None:
    graph = plan(PROFILE)
    assert len(graph.of_kind("answers")) == 1
    drafters = [stage.spec for stage in graph.of_kind("drafter")]
    assert len({str(sorted(spec["training"].items())) for spec in drafters if "epochs" in spec["training"]}) == 1
    made = Counter(spec["decoder"] for spec in drafters)
    assert made == {"ngram_table": 1, "medusa": 1, "eagle2": 4, "eagle3": 2, "jakiro": 3, "jakiro_decoupled": 1}, (
        "some share theirs"
    )


def test_who_may_be_cut_is_cut_by_what_the_plan_measures() -> None:
    for name, spec in PROFILE.decoders.items():
        chosen = contender(who(name))
        tuned = chosen.architecture is not None and chosen.may_be_cut
        assert (spec.controller == TUNED) == tuned, name


def test_jakiros_ablation_has_each_of_its_switches() -> None:
    switches = {
        (variant(name).get("second", "contrast"), spec.options.get("parallel", True))
        for name, spec in PROFILE.decoders.items()
        if who(name) == "jakiro"
    }
    assert switches == {("contrast", True), ("contrast", False), ("mixture", True), ("none", True)}
    shared = {name for name in PROFILE.decoders if who(name) == "jakiro" and variant(name) == {}}
    assert shared == {"jakiro", "jakiro_contrast"}, "one drafter, drafting in two ways"


def test_matched_rows_are_as_large_or_as_dear_as_jakiro() -> None:
    assert parameters("jakiro") == 3_542_400
    assert parameters("eagle2") == 4_203_648
    assert parameters("eagle3") == 5_089_536
    for name in ("eagle2_as_large", "eagle3_as_large_and_dear"):
        assert parameters(name) == pytest.approx(parameters("jakiro"), rel=1e-3)
    assert read_a_round("jakiro") == 29_501_568
    assert read_a_round("eagle2_as_dear") == pytest.approx(29_501_568, rel=1e-3)
    assert read_a_round("eagle3_as_large_and_dear") == pytest.approx(29_501_568, rel=2e-2)
    assert read_a_round("eagle2") > 1.2 * read_a_round("jakiro"), "which is why there are these rows"
