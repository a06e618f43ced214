"""Why the mixture is the default, and drawn: on random flat laws it has a candidate accepted most often of all schemes.

Two experts that err apart from each other propose four candidates of one node, in many rounds with laws of their own.
Given candidates are accepted as often as the target would say one of them, drawn ones as the verifier decides.
"""

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


def laws(error: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The target's (R, V), and what two experts predict of it, whose heads are the identity; each is trusted alike."""
    generator = torch.Generator().manual_seed(11)
    logits_RV = torch.randn(ROUNDS, V, generator=generator, dtype=torch.float64)
    noise_R2V = torch.randn(ROUNDS, 2, V, generator=generator, dtype=torch.float64)
    gates_R2 = 0.01 * torch.randn(ROUNDS, 2, generator=generator, dtype=torch.float64)
    features_R2V = logits_RV[:, None] + error * noise_R2V
    return logits_RV.softmax(dim=-1), torch.cat([features_R2V, gates_R2.log_softmax(dim=-1)[..., None]], dim=-1)


def accepted(scheme: Scheme, error: float, *, drawn: bool) -> float:
    """Share of rounds in which one of the candidates is accepted."""
    p_RV, predicted = laws(error)
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


@pytest.mark.parametrize("error", [0.5, 1.0, 2.0])
def test_the_default_has_most_accepted_where_laws_are_flat(error):
    shares = {(scheme, drawn): accepted(scheme, error, drawn=drawn) for scheme in SCHEMES for drawn in (True, False)}
    best = max(shares, key=lambda one: shares[one])
    assert best == ("mixture", True), shares
    for scheme in SCHEMES:
        assert shares[scheme, True] > shares[scheme, False] + 0.05
    assert shares["mixture", False] >= max(shares["first", False], shares["turns", False]), "among given ones too"
