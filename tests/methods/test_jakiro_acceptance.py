"""What the schemes are worth beside each other, on random flat laws: why the mixture is the default, and drawn.

Two experts propose four candidates of one node, in many rounds with laws of their own. Given candidates are accepted as
often as the target would say one of them, drawn ones as the verifier decides.
"""

from itertools import product

import numpy as np
import pytest
import torch

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.sampling import Sampling
from offbook.kernels.verify_tree import Seeded, verify_drawn
from offbook.methods.jakiro.schemes import ExpertsApart, Scheme

ROUNDS, V, CANDIDATES = 6_000, 50, 4
WARM = Sampling(temperature=1.0)
SCHEMES: tuple[Scheme, ...] = ("mixture", "first", "turns")
Errors = tuple[float, float]


def laws(errors: Errors, weight: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The target's (R, V), and what two experts that err apart predict of it; their head is the identity."""
    generator = torch.Generator().manual_seed(11)
    logits_RV = torch.randn(ROUNDS, V, generator=generator, dtype=torch.float64)
    noise_R2V = torch.randn(ROUNDS, 2, V, generator=generator, dtype=torch.float64)
    features_R2V = logits_RV[:, None] + torch.tensor(errors)[:, None] * noise_R2V
    weights_R2 = torch.tensor([weight, 1 - weight], dtype=torch.float64).expand(ROUNDS, 2)
    return logits_RV.softmax(dim=-1), torch.cat([features_R2V, weights_R2.log()[..., None]], dim=-1)


def accepted(scheme: Scheme, errors: Errors, weight: float, *, drawn: bool) -> float:
    """Share of rounds in which one of the candidates is accepted."""
    p_RV, predicted = laws(errors, weight)
    readout = ExpertsApart(DraftHead(torch.eye(V, dtype=torch.float64), torch.arange(V)), scheme=scheme)
    if not drawn:
        return float(p_RV.gather(-1, readout.likeliest(predicted, CANDIDATES).tokens_RK).sum(dim=-1).mean())
    found = readout.drawn(predicted, CANDIDATES, WARM, torch.Generator().manual_seed(5))
    p, q = p_RV.numpy(), found.laws_RTD.numpy()
    tokens = np.concatenate([np.zeros((ROUNDS, 1), dtype=np.int64), found.tokens_RK.numpy()], axis=1)
    children = (tuple(range(1, CANDIDATES + 1)), *[()] * CANDIDATES)
    seeds = np.random.default_rng(3).integers(2**63, size=(ROUNDS, 2), dtype=np.uint64)
    last, _ = verify_drawn(lambda _, rows: p[rows], lambda _, rows: q[rows], tokens, children, Seeded(seeds))
    return float((last > 0).mean())


def shares(errors: Errors, weight: float) -> dict[tuple[Scheme, bool], float]:
    return {(how, drawn): accepted(how, errors, weight, drawn=drawn) for how, drawn in product(SCHEMES, (True, False))}


@pytest.mark.parametrize("error", [0.5, 1.0, 2.0])
def test_draws_are_worth_more_than_given_candidates_and_two_experts_more_than_one(error):
    found = shares((error, error), 0.5)
    for scheme in SCHEMES:
        assert found[scheme, True] > found[scheme, False] + 0.3, found
    for drawn in (True, False):
        assert found["mixture", drawn] > found["first", drawn] + 0.01, found
    assert found["mixture", False] > found["turns", False], found
    assert abs(found["mixture", True] - found["turns", True]) < 0.02, "experts that are alike may as well take turns"


def test_where_the_gate_knows_the_worse_expert_the_mixture_leaves_it_out_and_turns_do_not():
    found = shares((0.5, 3.0), 0.95)
    assert found["mixture", True] > found["turns", True] + 0.02, found
    assert found["mixture", False] > found["turns", False] + 0.02, found
