"""The profile `drafters`: who takes part, on what they are equal, and in what which rows are matched."""

from collections import Counter

import pytest
import torch
from torch import nn

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.harness.matrix.plan import plan
from offbook.harness.roster.decoders import DECODERS, contender
from offbook.harness.settings.matrix import NONE
from offbook.harness.settings.profiles import load_profile

PROFILE = load_profile("drafters")[1]
VOCABULARY, LAYERS, DEPTH = 8192, 30, 3
AS_OTHERS_WHEN_GREEDY = {"eagle2_coupled", "jakiro_coupled", "medusa_typical"}
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


def training(name: str) -> dict:
    """What an entry trains otherwise than all."""
    return PROFILE.decoders[name].training.model_dump(exclude_none=True)


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


def test_every_trained_decoder_takes_part_and_one_that_is_lossy_says_so() -> None:
    trained = {name for name, chosen in DECODERS.items() if chosen.architecture is not None}
    assert trained | {"autoregressive"} == {who(name) for name in PROFILE.decoders}
    assert {name for name in trained if contender(name).lossy} == {"medusa_typical"}


def test_all_decode_in_one_layout_and_nobody_is_cut() -> None:
    assert PROFILE.layout == "packed"
    assert {(spec.layout, spec.controller) for spec in PROFILE.decoders.values()} == {(None, NONE)}


def test_all_are_asked_the_same_and_may_propose_as_much() -> None:
    heats = plan(PROFILE).of_kind("heat")
    assert len(heats) == 6 * 2
    assert {heat.spec["limit"] for heat in heats} == {40}
    for heat in heats:
        warm = heat.spec["sampling"]["temperature"] > 0
        assert len(heat.spec["arms"]) == len(PROFILE.decoders) - (0 if warm else len(AS_OTHERS_WHEN_GREEDY))
        assert {arm["layout"] for arm in heat.spec["arms"]} == {"packed"}
        for arm in heat.spec["arms"]:
            options = arm["options"]
            assert options.get("total_tokens", 16) == 16
            assert options.get("nodes", 15) == options.get("num_tokens", 15) == 15
            assert options.get("depth", DEPTH) in {DEPTH, None}  # a static tree has its own


def test_who_is_left_out_at_temperature_0_is_another_one_there() -> None:
    (left_out,) = PROFILE.exclude
    assert set(left_out.decoders or ()) == AS_OTHERS_WHEN_GREEDY
    assert left_out.temperatures == (0,)
    for name in AS_OTHERS_WHEN_GREEDY:
        assert PROFILE.decoders[name].options.get("coupled", False) or contender(who(name)).lossy


def test_a_piece_of_it_has_stages_of_the_whole() -> None:
    """So that one folder takes piece after piece."""
    whole = {stage.key for stage in plan(PROFILE).stages}
    for setting in ("include=[{temperatures: 0, suites: [chat]}]", "include=[{temperatures: 1, suites: maths}]"):
        piece = plan(load_profile("drafters", [setting])[1])
        assert {stage.key for stage in piece.stages} < whole
        assert len(piece.of_kind("heat")) == 1


def test_all_learn_from_the_same_answers_as_often() -> None:
    graph = plan(PROFILE)
    assert len(graph.of_kind("answers")) == 1
    drafters = [stage.spec for stage in graph.of_kind("drafter")]
    trained = [spec["training"] for spec in drafters if "epochs" in spec["training"]]
    assert len({str(sorted({**settings, "seed": 0}.items())) for settings in trained}) == 1
    made = Counter(spec["decoder"] for spec in drafters)
    assert made == {"ngram_table": 1, "medusa": 2, "eagle2": 5, "eagle3": 2, "jakiro": 5, "jakiro_decoupled": 1}, (
        "some share theirs"
    )


@pytest.mark.parametrize("name", ["eagle2", "jakiro"])
def test_two_trainings_of_one_method_differ_in_their_seed_alone(name: str) -> None:
    """What lies between them is what a difference between methods has to exceed."""
    again = PROFILE.decoders[f"{name}_again"]
    assert (who(f"{name}_again"), again.options) == (name, PROFILE.decoders[name].options)
    assert (training(name), training(f"{name}_again")) == ({}, {"seed": 2})
    assert PROFILE.drafters.seed == 1


def test_jakiros_ablation_has_each_of_its_switches() -> None:
    switches = {
        (variant(name).get("second", "contrast"), spec.options.get("parallel", True))
        for name, spec in PROFILE.decoders.items()
        if who(name) == "jakiro"
    }
    assert switches == {("contrast", True), ("contrast", False), ("mixture", True), ("none", True)}
    shared = {name for name in PROFILE.decoders if who(name) == "jakiro" and training(name) == {}}
    assert shared == {"jakiro", "jakiro_contrast", "jakiro_coupled"}, "one drafter, drafting in three ways"


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
    assert (parameters("jakiro_decoupled"), read_a_round("jakiro_decoupled")) == (5_089_536, 39_232_512), "as nobody"
