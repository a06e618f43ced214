"""Speculative sampling: what is fed and cut off after each outcome, laws recomputed without a cache, and the output."""

import numpy as np
import pytest
import scipy.stats
import torch

from offbook.baselines.decoding.speculative_sampling import LanguageModelDrafter
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.finite import NotFiniteError
from tests.engine.targets import VOCABULARY, draft_model, greedy_reference, language_model_drafter, law_of_two, target
from tests.tiny import tiny_model

WARM = Sampling(temperature=1.0)
PROMPT = [3, 1, 4, 1, 5, 9]
NOTHING = torch.empty(64, 0)


class Fed:
    """What a drafter feeds its draft model, step by step."""

    def __init__(self, drafter: LanguageModelDrafter) -> None:
        self.steps: list[list[int]] = []
        (steps,) = drafter.networks
        steps.register_forward_pre_hook(lambda _, given: self.steps.append(given[0].tolist()))

    def taken(self) -> list[list[int]]:
        steps, self.steps = self.steps, []
        return steps


def begun(gamma: int, sampling: Sampling | None = None) -> LanguageModelDrafter:
    """A drafter behind a prompt and the first new token, 7."""
    drafter = language_model_drafter(target(), gamma=gamma)
    drafter.begin(torch.tensor([PROMPT]), capacity=64)
    drafter.draw_with(sampling or Sampling(), torch.Generator().manual_seed(0))
    told(drafter, [*PROMPT[1:], 7])
    return drafter


def told(drafter: LanguageModelDrafter, tokens: list[int]) -> None:
    drafter.observe(torch.tensor([*tokens, 0]), NOTHING[: len(tokens) + 1], len(tokens))  # the last row means nothing


def behind(text: list[int]) -> torch.Tensor:
    """The draft model's logits (V,), from its own forward over the whole text."""
    draft = draft_model(target())
    draft.use_native_attention()
    try:
        with torch.inference_mode():
            return draft.model(torch.tensor([text]), use_cache=False).logits[0, -1]
    finally:
        draft.use_tree_attention()


def greedy(text: list[int], count: int) -> list[int]:
    found: list[int] = []
    for _ in range(count):
        found.append(int(behind([*text, *found]).argmax()))
    return found


def test_the_first_round_reads_the_prompt_and_then_every_candidate_but_the_last():
    drafter = begun(3)
    fed = Fed(drafter)
    tree = drafter.propose()
    assert tree.drawn_from_NV is None
    assert list(tree.tokens) == [7, *greedy([*PROMPT, 7], 3)]
    assert tree.parents == (-1, 0, 1, 2)
    assert fed.taken() == [[*PROMPT, 7], [tree.tokens[1]], [tree.tokens[2]]]


@pytest.mark.parametrize("stand", [0, 1, 2, 3])
def test_behind_any_outcome_it_reads_what_it_has_not_read_and_proposes_as_if_from_scratch(stand):
    drafter = begun(3)
    fed = Fed(drafter)
    text = [*PROMPT, 7]
    for _ in range(3):  # the outcome, three times over
        candidates = list(drafter.propose().tokens[1:])
        fed.taken()
        bonus = next(t for t in range(10, 20) if stand == 3 or t != candidates[stand])
        told(drafter, [*candidates[:stand], bonus])
        text += [*candidates[:stand], bonus]
        tree = drafter.propose()
        # All stood: the last candidate was never read. Else the bonus token alone is new.
        first = [candidates[2], bonus] if stand == 3 else [bonus]
        assert fed.taken() == [first, [tree.tokens[1]], [tree.tokens[2]]]
        assert list(tree.tokens) == [bonus, *greedy(text, 3)]
        told(drafter, [(tree.tokens[1] + 1) % VOCABULARY])
        text.append((tree.tokens[1] + 1) % VOCABULARY)


def test_of_one_candidate_nothing_lies_ahead():
    drafter = begun(1)
    fed = Fed(drafter)
    (candidate,) = drafter.propose().tokens[1:]
    told(drafter, [candidate, 11])
    tree = drafter.propose()
    assert fed.taken() == [[*PROMPT, 7], [candidate, 11]]
    assert list(tree.tokens) == [11, *greedy([*PROMPT, 7, candidate, 11], 1)]


def test_a_last_token_that_has_a_row_already_is_read_again_for_the_law_behind_it():
    drafter = begun(3)
    candidates = list(drafter.propose().tokens[1:])
    fed = Fed(drafter)
    told(drafter, candidates[:2])  # the second as a bonus token, where the tree was cut behind the first
    tree = drafter.propose()
    assert fed.taken()[0] == [candidates[1]]
    assert list(tree.tokens) == [candidates[1], *greedy([*PROMPT, 7, *candidates[:2]], 3)]


def test_what_was_committed_while_nobody_asked_is_read_in_one_piece():
    drafter = begun(2)
    first = drafter.propose().tokens[1]
    fed = Fed(drafter)
    told(drafter, [first, 12, 13, 14])
    assert list(drafter.propose().tokens) == [14, *greedy([*PROMPT, 7, first, 12, 13, 14], 2)]
    assert fed.taken()[0] == [12, 13, 14]


@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=0.7, top_k=4), Sampling(temperature=1.5, top_p=0.8)])
def test_a_chain_names_the_laws_that_it_was_drawn_from(sampling):
    drafter = begun(4, sampling)
    tree = drafter.propose()
    assert tree.parents == (-1, 0, 1, 2, 3)
    assert tree.survival is None
    text = [*PROMPT, 7]
    for node in range(4):
        expected = sampling.probabilities(behind(text))
        torch.testing.assert_close(tree.drawn_from_NV[node], expected, atol=1e-9, rtol=1e-6)
        text.append(tree.tokens[node + 1])
    assert not tree.drawn_from_NV[4].any(), "nothing is drawn behind the last"


def test_candidates_follow_these_laws():
    n, sampling = 2_000, Sampling(temperature=1.0, top_k=5)
    drafter = begun(1, sampling)
    counts = np.zeros(VOCABULARY)
    for _ in range(n):
        tree = drafter.propose()
        counts[tree.tokens[1]] += 1
        told(drafter, [7])  # the same text again: the root is read anew
        drafter._cache.cut_back(len(PROMPT))
    law = tree.drawn_from_NV[0].double().numpy()
    assert scipy.stats.chisquare(counts[law > 0], n * law[law > 0]).pvalue > 1e-6
    assert counts[law == 0].sum() == 0


def said(
    sampling: Sampling, seed: int, *, drafter: LanguageModelDrafter, damped: bool = False, cap: int = 14
) -> Generation:
    limits = Limits(max_new_tokens=cap)
    return decode(
        target(damped=damped), drafter, torch.tensor([PROMPT]), sampling=sampling, limits=limits,
        generator=torch.Generator().manual_seed(seed), stop=Stop(limits, None),
    )  # fmt: skip


@pytest.mark.parametrize("sampling", [Sampling(), WARM, Sampling(temperature=0.7, top_p=0.9)])
def test_of_a_copy_of_the_target_every_candidate_stands(sampling):
    drafter = language_model_drafter(target(), gamma=3, layers=2)
    generation = said(sampling, 4, drafter=drafter, cap=1 + 3 * 4)
    assert [(r.drafted, r.accepted, r.committed) for r in generation.rounds] == [(3, 3, 4)] * 3
    assert generation.draft_forwards == 9
    if sampling.greedy:
        assert list(generation.tokens) == greedy_reference(target(), PROMPT, 13)


def test_a_document_leaves_nothing_behind_for_the_next():
    drafter = language_model_drafter(target(damped=True), gamma=3)
    alone = [
        said(WARM, seed, drafter=language_model_drafter(target(damped=True), gamma=3), damped=True) for seed in (1, 2)
    ]
    found = [said(WARM, seed, drafter=drafter, damped=True) for seed in (1, 2, 1)]
    assert [(g.tokens, g.rounds) for g in found] == [(g.tokens, g.rounds) for g in (*alone, alone[0])]
    cold = said(Sampling(), 0, drafter=drafter, damped=True)
    assert cold.tokens == said(Sampling(), 9, drafter=drafter, damped=True).tokens, "nothing is drawn at temperature 0"
    assert sum(r.accepted for r in cold.rounds) > 4
    assert cold.draft_forwards == 3 * sum(r.drafted > 0 for r in cold.rounds)
    assert cold.draft_s > 0


@pytest.mark.slow
def test_drawn_chains_leave_the_law_of_the_first_two_tokens_alone():
    n, sampling, backbone = 600, Sampling(temperature=1.0, top_k=3), target()
    drafter = language_model_drafter(backbone, gamma=2)
    counts: dict[tuple[int, ...], int] = {}
    offered = accepted = 0
    for seed in range(n):
        generation = said(sampling, seed, drafter=drafter, cap=3)
        counts[generation.tokens[:2]] = counts.get(generation.tokens[:2], 0) + 1
        offered += sum(r.offered for r in generation.rounds)
        accepted += sum(r.accepted for r in generation.rounds)
    joint = law_of_two(backbone, PROMPT, sampling)
    assert counts.keys() <= joint.keys()
    assert scipy.stats.chisquare([counts.get(c, 0) for c in joint], [n * p for p in joint.values()]).pvalue > 1e-6
    assert 0.02 < accepted / offered < 0.98, "some stand and some do not"


@pytest.mark.parametrize("rows", [VOCABULARY - 8, VOCABULARY + 8])
def test_rows_that_only_one_of_the_models_has_are_never_drafted(rows):
    draft = Backbone(tiny_model("llama", torch.float64, seed=3, vocab_size=rows, initializer_range=0.02))
    drafter = LanguageModelDrafter(draft, gamma=4, vocab_size=VOCABULARY)
    seen = set()
    prompt = torch.tensor([PROMPT])
    for seed in range(40):
        drafter.begin(prompt, capacity=64)
        drafter.draw_with(Sampling(temperature=1.5), torch.Generator().manual_seed(seed))
        told(drafter, [*PROMPT[1:], 7])
        tree = drafter.propose()
        assert tree.drawn_from_NV.shape == (5, VOCABULARY)
        torch.testing.assert_close(tree.drawn_from_NV[:4].sum(dim=1), torch.ones(4, dtype=torch.float64))
        seen |= set(tree.tokens)
    assert max(seen) < min(rows, VOCABULARY)
    assert len(seen) > 30
    told(drafter, [VOCABULARY - 1])  # which the draft model may lack
    assert max(drafter.propose().tokens[1:]) < min(rows, VOCABULARY)


def test_an_answer_beyond_the_draft_models_context_is_refused():
    draft = Backbone(tiny_model("llama", torch.float64, vocab_size=VOCABULARY, max_position_embeddings=64))
    drafter = LanguageModelDrafter(draft, gamma=2, vocab_size=VOCABULARY)
    said(Sampling(), 0, drafter=drafter, cap=64 - len(PROMPT))
    with pytest.raises(ValueError, match="within the draft model's context of 64, got 65; lower max_new_tokens, or"):
        said(Sampling(), 0, drafter=drafter, cap=65 - len(PROMPT))


@pytest.mark.parametrize("sampling", [Sampling(), WARM])
def test_logits_that_are_not_finite_are_told(sampling):
    drafter = begun(2, sampling)
    (steps,) = drafter.networks
    steps.register_forward_hook(lambda *_: torch.full((VOCABULARY,), float("nan")))
    with pytest.raises(NotFiniteError, match="expected finite logits of the draft model, got NaN or infinity; choose"):
        drafter.propose()
