"""Greedy decoding commits what transformers' own `generate` commits: every decoder, every architecture, in fp64."""

import functools
import zlib

import pytest
import torch
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.eagle import PUBLISHED
from offbook.baselines.decoding.medusa_typical import TypicalAcceptance
from offbook.baselines.decoding.ngram_table import NgramTable, Table
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.suffix import Suffix
from offbook.baselines.decoding.token_recycling import TokenRecycling
from offbook.baselines.decoding.transformers_generate import TransformersGenerate, as_assistant
from offbook.engine.decoding.combination import Combination
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.early_exit import first_layers
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.counted import counted
from offbook.harness.roster.decoders import DECODERS as ROSTER
from offbook.methods.jakiro import decoupled
from tests.engine import decoupled_drafters, eagle3_drafters
from tests.engine.targets import (
    ARCHITECTURES,
    VOCABULARY,
    feature_drafter,
    greedy_reference,
    language_model_drafter,
    medusa_drafter,
    static_drafter,
    target,
)
from tests.engine.tiny_drafters import RandomTrees

LOUD, SOFT = False, True
# decoder: on which target, examples per architecture (90, times 6 architectures = 540); each pair draws its own
DECODERS = {
    "autoregressive": (LOUD, 3),
    "prompt_lookup": (LOUD, 6),
    "suffix": (SOFT, 2),
    "ngram_table": (SOFT, 2),
    "token_recycling": (SOFT, 2),
    "lookup else eagle2": (SOFT, 2),
    "speculative_sampling": (LOUD, 2),
    "speculative_sampling often right": (SOFT, 3),
    "medusa": (SOFT, 3),
    "medusa_typical": (SOFT, 2),
    "eagle": (LOUD, 2),
    "eagle often right": (SOFT, 3),
    "eagle2": (LOUD, 5),
    "eagle3": (LOUD, 4),
    "jakiro": (LOUD, 5),
    "eagle2 often right": (SOFT, 7),
    "eagle3 often right": (SOFT, 5),
    "jakiro often right": (SOFT, 7),
    "jakiro_decoupled": (LOUD, 3),
    "jakiro_decoupled often right": (SOFT, 4),
    "hf_generate": (LOUD, 2),
    "hf_prompt_lookup": (LOUD, 4),
    "hf_assisted": (LOUD, 2),
    "hf_assisted often right": (SOFT, 2),
    "random trees": (LOUD, 15),
}

ASKED: set[tuple[tuple[int, ...], int]] = set()
PAIRS: set[tuple[str, str]] = set()  # of architecture and decoder that were asked

prompts = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=20)


@st.composite
def tree_configs(draw):
    depth, top_k = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    return TreeConfig(
        total_tokens=draw(st.integers(2, min(24, top_k + depth * top_k**2 + 1))), depth=depth, top_k=top_k
    )


def make_decoder(name, backbone, prompt, answer, data):
    if name == "hf_generate":
        return TransformersGenerate(backbone)
    if name == "hf_prompt_lookup":
        return TransformersGenerate(backbone, prompt_lookup_num_tokens=data.draw(st.integers(1, 6)))
    if name.startswith("hf_assisted"):
        assistant = as_assistant(first_layers(backbone, 1), num_assistant_tokens=data.draw(st.integers(1, 6)))
        return TransformersGenerate(backbone, assistant=assistant)
    verifier = None
    if name == "autoregressive":
        drafter = Autoregressive()
    elif name == "prompt_lookup":
        drafter = PromptLookup(max_ngram=data.draw(st.integers(1, 3)), num_tokens=data.draw(st.integers(1, 10)))
    elif name == "suffix":
        memory = data.draw(st.sampled_from(["document", "suite"]))
        drafter = Suffix(nodes=data.draw(st.integers(1, 12)), factor=data.draw(st.integers(1, 4)), memory=memory)
    elif name == "token_recycling":
        memory = data.draw(st.sampled_from(["document", "suite"]))
        drafter = TokenRecycling(nodes=data.draw(st.integers(1, 12)), memory=memory)
    elif name == "ngram_table":
        counts = [
            counted([Answer(id="a", prompt_tokens=tuple(prompt), answer_tokens=tuple(answer))], n) for n in (1, 2)
        ]
        drafter = NgramTable(Table(counts), nodes=data.draw(st.integers(1, 12)), least=data.draw(st.floats(0, 0.3)))
    elif name == "lookup else eagle2":
        network = feature_drafter("eagle2", backbone, data.draw(tree_configs()), echo=True)
        drafter = Combination(PromptLookup(num_tokens=4), network, sure=data.draw(st.floats(0, 1)))
    elif name in ("medusa", "medusa_typical"):
        verifier = TypicalAcceptance() if name == "medusa_typical" else None
        nodes, seed = data.draw(st.integers(1, 20)), data.draw(st.integers(0, 3))
        drafter = medusa_drafter(backbone, nodes=nodes, seed=seed, own=data.draw(st.booleans()))
    elif name.startswith("speculative_sampling"):
        drafter = language_model_drafter(backbone, gamma=data.draw(st.integers(1, 6)))
    elif name in ("eagle", "eagle often right"):
        shape = PUBLISHED.first(data.draw(st.integers(1, 25)))
        drafter = static_drafter(
            backbone, shape, echo="right" in name, vocabulary=data.draw(st.sampled_from([VOCABULARY, 20]))
        )
    elif name.startswith("jakiro_decoupled"):
        static = st.integers(1, 26).map(decoupled.PUBLISHED.first)
        drafter = decoupled_drafters.drafter(
            backbone,
            data.draw(st.one_of(static, tree_configs())),
            scheme=data.draw(st.sampled_from(["mixture", "first", "turns"])),
            experts=data.draw(st.integers(2, 3)),
            echo="right" in name,
            vocabulary=data.draw(st.sampled_from([VOCABULARY, 20])),
        )
    elif name == "random trees":
        drafter = RandomTrees(
            answer,
            vocabulary=VOCABULARY,
            max_nodes=data.draw(st.integers(1, 24)),
            hit=data.draw(st.sampled_from([0.3, 0.7, 1.0])),
            seed=data.draw(st.integers(0, 2**16)),
        )
    else:
        which = name.split()[0]
        make = eagle3_drafters.drafter if which == "eagle3" else functools.partial(feature_drafter, which)
        drafter = make(
            backbone,
            data.draw(tree_configs()),
            echo="often right" in name,
            vocabulary=data.draw(st.sampled_from([VOCABULARY, 20])),
            seed=data.draw(st.integers(0, 3)),
        )
    return SpeculativeDecoder(backbone, drafter, verifier=verifier)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_greedy_speculation_equals_plain_generate(architecture, decoder):
    damped, examples = DECODERS[decoder]
    backbone = target(architecture, damped=damped)

    @seed(zlib.crc32(f"{architecture}/{decoder}".encode()))  # else every pair would draw the same prompts
    @settings(max_examples=examples)
    @given(prompt=prompts, cap=st.integers(2, 14), data=st.data())
    def check(prompt, cap, data):
        ASKED.add((tuple(prompt), cap))
        answer = greedy_reference(backbone, prompt, cap + (5 if decoder == "random trees" else 0))
        expected, eos = answer[:cap], frozenset()
        if data.draw(st.booleans(), label="with an end token"):
            eos = frozenset({data.draw(st.sampled_from(expected)), VOCABULARY - 1})
            expected = expected[: next(n for n, token in enumerate(expected, start=1) if token in eos)]
        heard: list[int] = []
        generation = make_decoder(decoder, backbone, prompt, answer, data).generate(
            torch.tensor([prompt]),
            sampling=Sampling(),
            limits=Limits(max_new_tokens=cap, eos_token_ids=eos),
            generator=torch.Generator(),
            on_commit=heard.extend,
        )
        assert list(generation.tokens) == expected
        assert heard == expected
        assert generation.finish_reason == ("eos" if expected[-1] in eos else "length")
        assert generation.prefill_committed == 1 or decoder.startswith(("hf_prompt_lookup", "hf_assisted"))
        assert generation.prefill_committed + sum(r.committed for r in generation.rounds) == len(expected)

    check()
    PAIRS.add((architecture, decoder))


def test_every_contender_of_the_roster_is_asked():
    asked = {name.removesuffix(" often right").replace(" ", "_") for name in DECODERS}
    assert {name for name, chosen in ROSTER.items() if not chosen.outside} <= asked


def test_at_least_two_hundred_different_prompts_were_asked():
    if len(PAIRS) < len(ARCHITECTURES) * len(DECODERS):
        pytest.skip("only a part of this file ran")
    assert len({prompt for prompt, _ in ASKED}) >= 200


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_targets_answers_are_worth_comparing(architecture):
    """Not one token over and over, and different from prompt to prompt; the random trees hit in scattered places."""
    backbone = target(architecture)
    answers = [greedy_reference(backbone, [seed, 7 * seed % VOCABULARY, 3], 20) for seed in range(1, 6)]
    assert sum(len(set(answer)) for answer in answers) >= 25
    assert len({tuple(answer[:4]) for answer in answers}) >= 4


@pytest.mark.parametrize("name", ["eagle2", "eagle3", "jakiro"])
def test_the_drafter_that_is_often_right_is_right_and_wrong_at_times(name):
    accepted = []
    for architecture in ARCHITECTURES:
        backbone = target(architecture, damped=True)
        make = eagle3_drafters.drafter if name == "eagle3" else functools.partial(feature_drafter, name)
        drafter = make(backbone, TreeConfig(total_tokens=12, depth=2, top_k=4), echo=True)
        for first in range(3):
            generation = SpeculativeDecoder(backbone, drafter).generate(
                torch.tensor([[first, 11]]),
                sampling=Sampling(),
                limits=Limits(max_new_tokens=16),
                generator=torch.Generator(),
            )
            accepted += [r.accepted for r in generation.rounds]
    assert {0, 1, 2} <= set(accepted)
    assert sum(accepted) / len(accepted) > 0.5
