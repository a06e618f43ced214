"""EAGLE-3 in the loop: what it is shown, a copy of its target, what it forgets, and what its cache holds."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import OwnHead
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from tests.engine import eagle3_drafters
from tests.engine.decoding.test_feature_draft import markov_target
from tests.engine.targets import VOCABULARY, target

TREE = TreeConfig(total_tokens=12, depth=2, top_k=3)
PROMPT = [5, 1, 9, 9, 2, 30, 7, 40, 3, 3, 12, 8]  # longer than the windows of the small targets


def decoded(backbone: Backbone, drafter: Drafter, prompt: list[int], *, cap: int) -> Generation:
    return SpeculativeDecoder(backbone, drafter).generate(
        torch.tensor([prompt]), sampling=Sampling(), limits=Limits(max_new_tokens=cap), generator=torch.Generator()
    )


class Kept(FeatureDrafter):
    """Keeps all that it was told."""

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        super().begin(prompt_1P, capacity=capacity)
        self.tokens: list[torch.Tensor] = []
        self.states: list[torch.Tensor] = []

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        super().observe(tokens_R, features_RH, count)
        self.tokens.append(tokens_R[:count].clone())
        self.states.append(features_RH[:count].clone())


def kept(backbone: Backbone, kind: type[Kept] = Kept, **options: Any) -> Kept:
    made = eagle3_drafters.drafter(backbone, TREE, **options)
    assert isinstance(made.head, OwnHead)
    return kind(backbone, made.network, made.head, tree=TREE, contrast=False)


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "gemma2"])  # three of them with a sliding window
def test_it_is_shown_the_targets_own_states_of_its_taps_side_by_side(architecture: str) -> None:
    backbone = target(architecture, damped=True)
    drafter = kept(backbone, echo=True)
    generation = decoded(backbone, drafter, PROMPT, cap=14)
    assert len(generation.rounds) < 13, "some candidates were accepted, so that rows of a tree were shown"
    text = [*PROMPT, *generation.tokens]
    backbone.use_native_attention()
    try:
        with torch.inference_mode():
            states = backbone.model(torch.tensor([text]), output_hidden_states=True, use_cache=False).hidden_states
    finally:
        backbone.use_tree_attention()
    shown = torch.cat(drafter.states)
    assert torch.cat(drafter.tokens).tolist() == text[1 : 1 + len(shown)]
    assert tuple(drafter.taps) == eagle3_drafters.TAPS
    expected = torch.cat([states[tap][0, : len(shown)] for tap in drafter.taps], dim=-1)
    torch.testing.assert_close(shown, expected, rtol=0, atol=1e-6)  # gemma2's own attention has a softmax in fp32


@pytest.mark.parametrize("depth", [2, 3])
def test_a_copy_of_its_target_is_accepted_in_full(depth: int) -> None:
    backbone, follows = markov_target()
    net = eagle3_drafters.network(backbone, torch.arange(len(follows)), taps=(0, 0, 0), echo=0.0)
    head = OwnHead(net.logits, torch.arange(len(follows)))
    tree = TreeConfig(total_tokens=10, depth=depth, top_k=2)
    rounds = 4
    generation = decoded(
        backbone,
        FeatureDrafter(backbone, net, head, tree=tree, contrast=False),
        [3, 8, 1],
        cap=1 + rounds * (depth + 2),
    )
    expected = [int(follows[1])]
    while len(expected) < len(generation.tokens):
        expected.append(int(follows[expected[-1]]))
    assert list(generation.tokens) == expected
    assert [r.accepted for r in generation.rounds] == [depth + 1] * rounds


@pytest.mark.parametrize("echo", [False, True])
def test_a_document_leaves_nothing_for_the_next(echo: bool) -> None:
    backbone = target(damped=echo)
    drafter = eagle3_drafters.drafter(backbone, TREE, echo=echo)
    first, _, third = (decoded(backbone, drafter, prompt, cap=16) for prompt in (PROMPT, [44, 2], PROMPT))
    assert third.tokens == first.tokens
    assert third.rounds == first.rounds
    assert third.predicted == first.predicted


class Checked(Kept):
    """Compares its cache, after everything it is told, with that of one pass over all of it."""

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        super().begin(prompt_1P, capacity=capacity)
        self.rows: list[int] = []

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        super().observe(tokens_R, features_RH, count)
        tokens, states = torch.cat(self.tokens)[None], torch.cat(self.states)[None]
        rows = tokens.shape[1]
        fresh = TreeCache(num_layers=1, capacity=rows)
        with torch.inference_mode():
            self.network(
                functional.embedding(tokens, self._embedding_VH),
                self.network.fuse(states),
                torch.arange(rows)[None],
                torch.ones(1, rows, rows, dtype=torch.bool).tril(),
                cache=fresh,
            )
        assert self._cache.length == rows
        assert self._cache._storage is not None
        assert fresh._storage is not None
        torch.testing.assert_close(self._cache._storage[:, :, :, :rows], fresh._storage, rtol=1e-9, atol=1e-9)
        self.rows.append(count)


def test_the_cache_holds_the_committed_pairs_whatever_was_accepted() -> None:
    backbone = target(damped=True)
    drafter = kept(backbone, Checked, echo=True)
    accepted: set[int] = set()
    for first in range(12):
        generation = decoded(backbone, drafter, [first, 11, 3 * first % VOCABULARY], cap=16)
        assert isinstance(drafter, Checked)
        accepted |= {r.accepted for r in generation.rounds[:-1]}
        assert drafter.rows[0] == 3
        assert drafter.rows[1:] == [r.committed for r in generation.rounds[: len(drafter.rows) - 1]]
    assert accepted == {0, 1, 2, 3}, "none, some and all levels of a tree"
