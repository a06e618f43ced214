"""Candidates of one row of decoupled experts: which a scheme names or draws, with what estimate, and whose they are."""

import numpy as np
import pytest
import scipy.stats
import torch

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.readout import Candidates
from offbook.engine.decoding.sampling import Sampling
from offbook.methods.jakiro.schemes import ExpertsApart

SCHEMES = ("mixture", "first", "turns")
WARM = Sampling(temperature=1.0)
EXPERT_LOGITS = torch.tensor([[4.0, 3.0, 1.0, 0.0, -1.0, 0.5], [0.0, 3.5, -1.0, 4.0, 2.0, 0.5]], dtype=torch.float64)


def one_row(weights: tuple[float, float]) -> torch.Tensor:
    """A row whose experts have the logits above (their head is the identity) and these weights."""
    log_weights = torch.tensor(weights, dtype=torch.float64).log()
    return torch.cat([EXPERT_LOGITS, log_weights[:, None]], dim=-1)[None]


def read(scheme: str) -> ExpertsApart:
    return ExpertsApart(DraftHead(torch.eye(6, dtype=torch.float64), torch.arange(6)), scheme=scheme)


def laws(weights: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the experts (2, 6), and of their mixture (6,)."""
    of_each = EXPERT_LOGITS.softmax(dim=-1)
    return of_each, (torch.tensor(weights, dtype=torch.float64)[:, None] * of_each).sum(dim=0)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.9, 0.1), (0.2, 0.8)])
def test_the_likeliest_of_the_mixture_are_its_own_and_the_expert_that_gives_most_has_them(weights):
    of_each, mixture = laws(weights)
    found = read("mixture").likeliest(one_row(weights), 4)
    best = mixture.topk(4)
    assert found.tokens_RK[0].equal(best.indices)
    torch.testing.assert_close(found.logprobs_RK[0].exp(), best.values)
    for token, source in zip(found.tokens_RK[0].tolist(), found.sources_RK[0].tolist(), strict=True):
        shares = [weight * float(law[token]) for weight, law in zip(weights, of_each, strict=True)]
        assert source == shares.index(max(shares))
        assert found.features_FH[source].equal(EXPERT_LOGITS[source])
    assert found.laws_RTD is None


def test_a_mixture_is_of_probabilities_so_that_a_head_that_shouts_gets_no_more():
    quiet, loud = one_row((0.5, 0.5)), one_row((0.5, 0.5))
    loud[..., 1, :-1] += 20.0  # of all its logits, which leaves its law alone
    torch.testing.assert_close(
        read("mixture").likeliest(loud, 6).logprobs_RK, read("mixture").likeliest(quiet, 6).logprobs_RK
    )


@pytest.mark.parametrize(("weights", "first"), [((0.6, 0.4), 0), ((0.4, 0.6), 1), ((0.5, 0.5), 0)])
def test_the_first_expert_is_the_one_with_the_largest_weight_and_drafts_alone(weights, first):
    found = read("first").likeliest(one_row(weights), 3)
    best = laws(weights)[0][first].topk(3)
    assert found.tokens_RK[0].equal(best.indices)
    torch.testing.assert_close(found.logprobs_RK[0].exp(), best.values)
    assert found.features_FH[found.sources_RK[0]].equal(EXPERT_LOGITS[first].expand(3, 6))


@pytest.mark.parametrize(("weights", "named", "whose"), [
    ((0.6, 0.4), [0, 3, 1, 2, 4], [0, 1, 0, 0, 1]),
    ((0.4, 0.6), [3, 0, 1, 4, 2], [1, 0, 1, 1, 0]),
])  # fmt: skip
def test_experts_name_their_best_in_turn_and_none_twice(weights, named, whose):
    """By hand: the first's order is 0 1 2 5 3 4, the second's 3 1 4 5 0 2; token 1 is whose turn comes first."""
    found = read("turns").likeliest(one_row(weights), 5)
    assert found.tokens_RK[0].tolist() == named
    assert found.sources_RK[0].tolist() == whose
    torch.testing.assert_close(found.logprobs_RK[0].exp(), laws(weights)[1][found.tokens_RK[0]])


def draws_of(scheme: str, weights: tuple[float, float], n: int) -> tuple[np.ndarray, Candidates]:
    """How often pairs were drawn one after the other, and the candidates of all n rows."""
    counts, rows = np.zeros((6, 6)), one_row(weights).expand(n, -1, -1)
    found = read(scheme).drawn(rows, 2, WARM, torch.Generator().manual_seed(3))
    np.add.at(counts, tuple(found.tokens_RK.T.numpy()), 1)
    return counts, found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pairs_are_drawn_from_the_laws_that_are_named_without_replacement(scheme):
    weights, n = (0.3, 0.7), 40_000
    counts, found = draws_of(scheme, weights, n)
    of_each, mixture = laws(weights)
    expected_laws = {"mixture": [mixture], "first": [of_each[1]], "turns": [of_each[1], of_each[0]]}[scheme]
    torch.testing.assert_close(found.laws_RTD[0], torch.stack(expected_laws))
    first, second = expected_laws[0].numpy(), expected_laws[-1].numpy()
    expected = first[:, None] * second[None] / (1 - second[:, None])
    different = ~np.eye(6, dtype=bool)
    assert not counts[~different].any()
    assert scipy.stats.chisquare(counts[different], n * expected[different]).pvalue > 1e-6
    if scheme == "turns":
        assert found.sources_RK[:3].tolist() == [[1, 0], [3, 2], [5, 4]]  # the second expert has the larger weight
    if scheme == "mixture":
        shares = torch.tensor(weights)[:, None] * of_each
        assert found.sources_RK[:50].equal(2 * torch.arange(50)[:, None] + shares.argmax(dim=0)[found.tokens_RK[:50]])


def test_experts_with_nothing_left_to_draw_end_the_row():
    certain = one_row((0.6, 0.4))
    certain[..., 0, :-1] = torch.tensor([60.0, 0, 0, 0, 0, 0])
    found = read("turns").drawn(certain, 4, Sampling(temperature=1.0, top_k=1), torch.Generator().manual_seed(0))
    assert found.tokens_RK[0, :2].tolist() == [0, 3]
    assert found.logprobs_RK[0].isfinite().tolist() == [True, True, False, False]
