"""What a device captures it captures beforehand: for the longest document, in all sizes and ways that may be asked for.

On the CPU nothing is captured, but the same is laid out and played; `captures` is made to say that it is a GPU.
"""

import pytest
import torch

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.engine.decoding import target_rounds, whole_rounds
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.controller import Nothing
from offbook.engine.decoding.costs import measure_costs
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits, ReadyDecoder
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.graph import Repeated
from offbook.engine.decoding.on_device import OnDevice
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree
from offbook.engine.decoding.target_rounds import TargetRounds, captures
from offbook.engine.decoding.verify import Verdict
from tests.engine.decoding.played import PROMPT, SAMPLINGS, assert_the_same, made, say
from tests.engine.targets import feature_drafter, static_drafter, target
from tests.tiny import tiny_model

TREE = TreeConfig(total_tokens=9, depth=2, top_k=3)
SIZES = [1, 2, 4, 8, 16]


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Decoders play what a device plays; gives the functions that were played, which a GPU captures the first time."""
    monkeypatch.setattr("offbook.engine.decoding.decode.captures", lambda backbone: backbone.may_be_captured)
    first = []

    def call(repeated, state):
        if repeated not in first:
            first.append(repeated)
        repeated._play()

    monkeypatch.setattr(Repeated, "__call__", call)
    return first


def answer_of(decoder, sampling, prompt=PROMPT, cap=24):
    return decoder.generate(
        torch.tensor([prompt]),
        sampling=sampling,
        limits=Limits(max_new_tokens=cap),
        generator=torch.Generator().manual_seed(3),
    )


DRAFTERS = {
    "autoregressive": lambda backbone: Autoregressive(),
    "eagle2": lambda backbone: feature_drafter("eagle2", backbone, TREE, echo=True),
    "prompt_lookup": lambda backbone: PromptLookup(num_tokens=8),
    "eagle, drawn": lambda backbone: static_drafter(backbone, RankTree(((0,), (1,), (0, 0))), echo=True),
}


@pytest.mark.parametrize("sampling", ["greedy", "T 1"])
@pytest.mark.parametrize("name", DRAFTERS)
def test_no_document_plays_what_was_not_played_before_it(as_on_a_gpu, name, sampling):
    backbone, settings = target("llama", damped=True), SAMPLINGS[sampling]
    decoder = SpeculativeDecoder(backbone, DRAFTERS[name](backbone))
    assert isinstance(decoder, ReadyDecoder)
    decoder.make_ready(sampling=settings, rows=80)
    ready, plays = [*as_on_a_gpu], decoder._device
    assert ready
    for prompt, cap in (([4, 8], 9), (PROMPT, 30), ([7] * 50, 30)):
        found = answer_of(decoder, settings, prompt, cap)
        plain = answer_of_the_loop(backbone, DRAFTERS[name](backbone), settings, prompt, cap)
        assert (found.tokens, found.rounds) == (plain.tokens, plain.rounds)
    assert decoder._device is plays
    assert as_on_a_gpu == ready


def answer_of_the_loop(backbone, drafter, sampling, prompt, cap):
    return say(backbone, drafter, sampling=sampling, prompt=prompt, cap=cap)[0]


@pytest.mark.parametrize(
    ("name", "sampling", "exact", "ways"),
    [
        ("autoregressive", "greedy", True, {True}),
        ("eagle2", "T 1", True, {True}),
        ("eagle, drawn", "greedy", True, {True}),
        ("eagle, drawn", "T 1", True, {True, False}),
        ("prompt_lookup", "T 1", False, {False}),
    ],
)
def test_halves_are_ready_in_all_sizes_and_ways(name, sampling, exact, ways):
    backbone = target("llama", damped=True)
    drafter = DRAFTERS[name](backbone)
    plays = OnDevice(backbone, drafter, None, SAMPLINGS[sampling], capacity=60, exact=exact)
    plays.make_ready()
    sizes = [size for size in SIZES if size < 2 * drafter.max_nodes]
    assert set(plays.halves._halves) == {(size, judged) for size in sizes for judged in ways}
    assert plays.cache.length == plays.cache.front == 0


def test_a_decoder_that_is_ready_says_what_it_says_anyway():
    backbone = target("llama", damped=True)
    drafter = DRAFTERS["eagle2"](backbone)
    make, _ = made(backbone, drafter, Sampling())

    def ready(capacity):
        plays = make(capacity)
        plays.make_ready()
        return plays

    assert_the_same(say(backbone, drafter, device=ready), say(backbone, DRAFTERS["eagle2"](backbone)))


def test_on_a_cpu_there_is_nothing_to_make_ready():
    backbone = target("llama")
    decoder = SpeculativeDecoder(backbone, Autoregressive())
    decoder.make_ready(sampling=Sampling(), rows=20)
    assert decoder._device is None
    assert not captures(backbone)


def test_a_verifier_of_its_own_has_no_whole_rounds(as_on_a_gpu):
    def alike(sampling):
        return lambda logits_NV, tree, generator: Verdict.of([0], int(logits_NV[0].argmin()))

    backbone = target("llama", damped=True)
    decoder = SpeculativeDecoder(backbone, Autoregressive(), verifier=alike)
    decoder.make_ready(sampling=Sampling(), rows=40)
    ready = [*as_on_a_gpu]
    found = answer_of(decoder, Sampling())
    assert found.times
    assert found.tokens == say(backbone, Autoregressive(), verifier=alike(Sampling()))[0].tokens
    assert as_on_a_gpu == ready


@pytest.mark.parametrize("ahead", [1, 5])
def test_seeds_are_the_same_however_many_are_looked_up_at_once(monkeypatch, ahead):
    monkeypatch.setattr(whole_rounds, "AHEAD", ahead)
    backbone, settings = target("llama", damped=True), SAMPLINGS["both filters"]
    for name in ("autoregressive", "eagle2"):
        drafter = DRAFTERS[name](backbone)
        expected = say(backbone, drafter, sampling=settings, cap=60)
        assert_the_same(
            say(backbone, drafter, sampling=settings, cap=60, device=made(backbone, drafter, settings)[0]), expected
        )


def test_a_model_whose_forward_waits_is_captured_for_nobody(monkeypatch):
    backbone = Backbone(tiny_model("llama"))
    assert backbone.may_be_captured
    monkeypatch.setattr(backbone.config, "_experts_implementation_internal", "eager", raising=False)
    assert backbone.may_be_captured, "it has no experts"
    backbone.model.model.layers[0].mlp.add_module("experts", torch.nn.Identity())
    assert not backbone.may_be_captured
    del backbone.model.model.layers[0].mlp.experts
    monkeypatch.setattr(type(backbone.model), "_can_compile_fullgraph", False)
    assert not backbone.may_be_captured
    assert backbone.hangs_on_rows_alone


def test_costs_are_of_captured_rounds_where_rounds_are_captured(monkeypatch):
    monkeypatch.setattr("offbook.engine.decoding.costs.SETTLE_S", 0.0)
    monkeypatch.setattr(target_rounds, "captures", lambda backbone: True)
    sizes, play = [], TargetRounds.play

    def spied(rounds, tree, generator):
        sizes.append(len(tree))
        return play(rounds, tree, generator)

    monkeypatch.setattr(TargetRounds, "play", spied)
    backbone = Backbone(tiny_model("llama", max_position_embeddings=64))
    measured = measure_costs(backbone, contexts=(16,), rows=(1, 3), rounds=1)
    assert sizes == [1, 3, 1, 3]
    assert measured.rows == (1, 3)


@pytest.mark.parametrize("sampling", ["greedy", "T 1"])
def test_a_controller_that_drafts_nothing_has_plain_rounds_with_seconds_on_a_device_too(sampling):
    backbone, settings = target("llama", damped=True), SAMPLINGS[sampling]
    drafter = DRAFTERS["eagle2"](backbone)
    make, given = made(backbone, drafter, settings, Nothing())
    found = say(backbone, drafter, sampling=settings, controller=Nothing(), device=make)[0]
    assert given[0].whole is None
    assert found.tokens == say(backbone, Autoregressive(), sampling=settings)[0].tokens
    assert len(found.times) == len(found.rounds) == 23
    assert found.draft_forwards == 0
