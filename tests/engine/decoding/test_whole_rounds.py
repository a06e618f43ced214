"""Whole rounds on the device say what the plain loop says, with the same account, and wait for nobody.

A CPU calls the function that a GPU captures; test_rounds_by_kernels.py does the other.
"""

from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.token_recycling import TokenRecycling
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cost_aware import CostAware
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.on_device import OnDevice, on_device
from offbook.engine.decoding.rope_border import reads_the_longest
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree
from offbook.engine.finite import NotFiniteError
from offbook.kernels.verify_tree.rounds import rounds_given
from tests.engine import decoupled_drafters, eagle3_drafters
from tests.engine.decoding.played import PROMPT, SAMPLINGS, assert_the_same, made, say
from tests.engine.targets import VOCABULARY, feature_drafter, static_drafter, target
from tests.tiny import tiny_model

TREE = TreeConfig(total_tokens=9, depth=2, top_k=3)
DRAFTERS = {
    "autoregressive": lambda backbone: Autoregressive(),
    "eagle2": partial(feature_drafter, "eagle2", tree=TREE, vocabulary=30),
    "eagle2 often right": partial(feature_drafter, "eagle2", tree=TREE, echo=True),
    "jakiro often right": partial(feature_drafter, "jakiro", tree=TREE, echo=True),
    "jakiro, two levels": partial(feature_drafter, "jakiro", tree=TreeConfig(total_tokens=4, depth=1, top_k=2)),
    "fewer nodes than levels": partial(feature_drafter, "eagle2", tree=TreeConfig(total_tokens=3, depth=4, top_k=2)),
    "eagle3 often right": lambda backbone: eagle3_drafters.drafter(backbone, TREE, echo=True),
    "jakiro_decoupled": lambda backbone: decoupled_drafters.drafter(backbone, TREE, scheme="turns", echo=True),
}


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", DRAFTERS)
def test_they_say_what_the_plain_loop_says(name, sampling):
    backbone, settings = target("llama", damped="right" in name), SAMPLINGS[sampling]
    drafter = DRAFTERS[name](backbone)
    expected = say(backbone, drafter, sampling=settings)
    make, _ = made(backbone, drafter, settings)
    found = say(backbone, drafter, sampling=settings, device=make)
    assert_the_same(found, expected)
    assert expected[0].times
    assert not found[0].times, "some were played whole"
    assert found[0].draft_s is None
    if "right" in name and sampling == "greedy":
        assert max(one.accepted for one in found[0].rounds) > 1


@pytest.mark.parametrize("architecture", ["mistral", "qwen3", "gemma2"])
def test_so_do_models_with_windows_and_caps_on_scores(architecture):
    backbone = target(architecture, damped=True)
    drafter = DRAFTERS["eagle2 often right"](backbone)
    expected = say(backbone, drafter, cap=30)
    assert_the_same(say(backbone, drafter, cap=30, device=made(backbone, drafter, Sampling())[0]), expected)


@pytest.mark.parametrize("cap", range(1, 10))
@pytest.mark.parametrize("name", ["autoregressive", "eagle2 often right"])
def test_an_answer_ends_at_its_cap(name, cap):
    """The last rounds are the plain loop's, which cuts its trees to the room that is left."""
    backbone = target("llama", damped=True)
    drafter = DRAFTERS[name](backbone)
    expected = say(backbone, drafter, cap=cap)
    assert_the_same(say(backbone, drafter, cap=cap, device=made(backbone, drafter, Sampling())[0]), expected)


@pytest.mark.parametrize("at", [0, 1, 2, 5, 11])
@pytest.mark.parametrize("sampling", ["greedy", "T 1"])
@pytest.mark.parametrize("name", ["autoregressive", "eagle2 often right"])
def test_an_answer_ends_at_its_end_though_a_round_has_been_played_behind_it(name, sampling, at):
    backbone, settings = target("llama", damped=True), SAMPLINGS[sampling]
    drafter = DRAFTERS[name](backbone)
    eos = say(backbone, drafter, sampling=settings)[0].tokens[at]
    expected = say(backbone, drafter, sampling=settings, eos=[eos])
    with backbone.counted() as calls:
        found = say(backbone, drafter, sampling=settings, eos=[eos], device=made(backbone, drafter, settings)[0])
    assert_the_same(found, expected)
    assert found[0].finish_reason == "eos"
    told = 1 + found[0].target_forwards
    assert told <= calls.number <= told + 1


def test_documents_follow_one_another_in_the_same_memory():
    backbone = target("llama", damped=True)
    drafter, twin = (DRAFTERS["eagle2 often right"](backbone) for _ in range(2))
    before, kept = None, []
    for number, prompt in enumerate(([4, 8], PROMPT, [7] * 11)):

        def device(capacity):
            nonlocal before
            before = on_device(backbone, drafter, None, Sampling(), capacity=capacity, before=before)
            return before

        found = say(backbone, drafter, prompt=prompt, device=device)
        assert_the_same(found, say(backbone, twin, prompt=prompt))
        kept.append((before, *drafter.kept))
        assert all(one is other for one, other in zip(kept[number], kept[0], strict=True))
    assert on_device(backbone, drafter, None, SAMPLINGS["T 1"], capacity=9, before=before) is not before


# Of `int`, `item`; of `bool`; of `tolist` and `numpy`; and what has as many rows as numbers say. Rounds are played in
# inference mode, in which operations that are made of others are seen by their own names.
READS = {
    *("aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::resolve_neg"),
    *("aten::nonzero", "aten::masked_select", "aten::equal", "aten::unique_dim", "aten::_unique2"),
}
SENDS = "aten::lift_fresh"  # of `torch.tensor`, whose numbers a device would have to wait for


class Unread(TorchDispatchMode):
    """Refuses what makes a host wait for numbers, or gives memory of a size that hangs on them."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().partition(".")[0]
        assert name not in READS, f"{name} reads from the device"
        assert name != SENDS, "numbers of the host are sent to the device"
        return func(*args, **kwargs or {})


def by_the_host(*given):
    """A round's verification where no kernel runs: the specification, which alone may read and send."""
    with _disable_current_modes():
        return rounds_given(*given)


def watched(device, told):
    """Writes down what whole rounds tell, and refuses to wait for numbers within one."""

    def make(capacity):
        plays = device(capacity)
        play = plays.whole.play

        def watching():
            with Unread():
                told.append(play())
            return told[-1]

        plays.whole.play = watching
        return plays

    return make


@pytest.mark.parametrize("name", DRAFTERS)
def test_nothing_is_read_in_a_round_and_what_it_tells_stays_in_place(name, monkeypatch):
    monkeypatch.setattr("offbook.kernels.verify_tree.rounds_given", by_the_host)
    backbone = target("llama", damped=True)
    drafter = DRAFTERS[name](backbone)
    told = []
    found = say(backbone, drafter, device=watched(made(backbone, drafter, Sampling())[0], told))
    assert_the_same(found, say(backbone, DRAFTERS[name](backbone)))
    assert len(told) > 2
    assert all(one is told[0] for one in told)


@pytest.mark.parametrize(
    "wait",
    [int, bool, torch.Tensor.item, torch.Tensor.tolist, torch.Tensor.numpy, torch.nonzero, torch.unique, torch.tensor],
    ids=lambda wait: wait.__name__,
)
def test_a_round_that_waits_is_noticed(wait, monkeypatch):
    monkeypatch.setattr("offbook.kernels.verify_tree.rounds_given", by_the_host)
    backbone = target("llama")
    drafter = DRAFTERS["eagle2"](backbone)

    def device(capacity):
        plays = made(backbone, drafter, Sampling())[0](capacity)
        play = plays.whole.play
        plays.whole.play = lambda: wait(play().sum() if wait is not torch.tensor else len(play()))
        return plays

    with pytest.raises(AssertionError, match="the device"):
        say(backbone, drafter, device=watched(device, []))


@pytest.mark.parametrize("whose", ["the target's", "the drafter's"])
def test_numbers_that_are_not_finite_end_the_work_when_they_are_read(whose):
    backbone = Backbone(tiny_model("llama", torch.float64, vocab_size=VOCABULARY, tie_word_embeddings=False))
    drafter = Autoregressive() if whose == "the target's" else DRAFTERS["eagle2"](backbone)
    token = say(backbone, Autoregressive())[0].tokens[4]
    with torch.no_grad():
        if whose == "the target's":
            backbone.embedding_VH[token] = torch.nan
        else:
            drafter.network.fc.weight.fill_(torch.nan)
    with pytest.raises(NotFiniteError):
        say(backbone, drafter, device=made(backbone, drafter, Sampling())[0])


def test_a_decoder_whose_rounds_need_the_host_has_none():
    backbone = target("llama")
    eagle2, lookup = DRAFTERS["eagle2"](backbone), PromptLookup()

    def whole(drafter, controller=None):
        return OnDevice(backbone, drafter, controller, Sampling(), capacity=40).whole

    assert whole(eagle2) is not None
    assert whole(lookup) is None
    assert whole(TokenRecycling()) is None, "it learns from all that the target says"
    assert whole(eagle2, object.__new__(CostAware)) is None, "it decides on the host how much is verified"
    assert whole(static_drafter(backbone, RankTree(((0,), (1,))))).form is None
    assert on_device(backbone, eagle2, None, Sampling(), capacity=1025).capacity == 2048


def test_a_drafter_that_knows_the_noise_runs_its_races_on_the_host():
    backbone = target("llama", damped=True)
    ids = torch.arange(VOCABULARY)
    net = feature_drafter("eagle2", backbone, TREE, echo=True).network
    drafter = FeatureDrafter(backbone, net, DraftHead(backbone.head_VH, ids), tree=TREE, contrast=False, coupled=True)
    settings = SAMPLINGS["T 1"]
    expected = say(backbone, drafter, sampling=settings)
    make, given = made(backbone, drafter, settings)
    found = say(backbone, drafter, sampling=settings, device=make)
    assert_the_same(found, expected)
    assert found[0].times, "all rounds are the plain loop's"
    assert given[0].whole.form is None


@pytest.mark.parametrize("kind", ["default", "linear", "llama3", "yarn"])
def test_factors_of_positions_alone_are_no_hindrance(kind):
    assert not reads_the_longest(_config({"rope_type": kind}))
    assert not reads_the_longest(_config({"full_attention": {"rope_type": kind}, "sliding_attention": {}}))


@pytest.mark.parametrize("kind", ["longrope", "dynamic"])
def test_factors_of_the_longest_position_are(kind):
    assert reads_the_longest(_config({"rope_type": kind}))
    assert reads_the_longest(_config({"full_attention": {"rope_type": kind}}))


def _config(rope):
    return type("Config", (), {"rope_parameters": rope})
