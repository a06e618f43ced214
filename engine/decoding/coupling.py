"""Which token the target's next draw will be, guessed by a drafter that knows its noise.

The target draws argmax p_i / E_i, with noise E that one seed a position gives (`kernels/verify_tree`). A drafter that
knows the seed and believes q finds argmax q_i / E_i, which is the same token with a probability of at least
(1 - TV) / (1 + TV) (Daliri, Musco and Suresh, arXiv:2408.07978), where the likeliest token is drawn with p of it and
no more. What the target says hangs on p and E alone, so that no candidate can change it, whatever it was made of.

Ours: that paper has one candidate, a tree several, and each needs a chance. With s_i = q_i / E_i,

    chance_i = s_i^trust / sum_j s_j^trust * exp(-left / s_i)

The first factor says how surely the first in q's race is the first in p's. The second is exact where q is: the tokens
that q does not name, of probability `left` together, race as one whose noise is not looked up, and lose with
P(E > left / s_i).
"""

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.engine.decoding.drafter import SeedsAhead
from offbook.engine.decoding.sampling import Sampling
from offbook.kernels.verify_tree import noise

RACING = 1024  # tokens of a network's law that are looked up, the likeliest: unlikely ones win as well, together often
TRUST = 0.75  # in a network's law; of development prompts more were accepted than with less or more
Floats = NDArray[np.float64]
TINY = 1e-300  # strength of a token that cannot win
LEAST = 1e-30  # chance that has a logarithm


def chances(q_RK: Floats, noise_RK: Floats, *, trust: float) -> Floats:
    """Of each token that it wins its row's race, (R, K); together at most 1.

    Args:
        q_RK: believed probabilities of the tokens, the largest above 0, together at most 1 but for rounding.
        noise_RK: of the race, each above 0.
        trust: in q; without bound only the first of q's race has a chance, with 0 all have the same.
    """
    strength_RK = q_RK / noise_RK
    left_R1 = np.maximum(0.0, 1.0 - q_RK.sum(axis=-1, keepdims=True))
    share_RK = (strength_RK / strength_RK.max(axis=-1, keepdims=True)) ** trust
    share_RK /= share_RK.sum(axis=-1, keepdims=True)
    found_RK: Floats = share_RK * np.exp(-left_R1 / np.maximum(strength_RK, TINY))
    return found_RK


class Race:
    """The target's next draws, for drafters that have a law of the next token.

    Args:
        sampling: how the target draws.
        seeds_ahead: see `CoupledDrafter`.
    """

    def __init__(self, sampling: Sampling, seeds_ahead: SeedsAhead) -> None:
        self.sampling = sampling
        self._seeds_ahead = seeds_ahead
        self._seeds_L: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)

    def look(self, levels: int) -> None:
        """Takes the seeds of the draws behind nodes of so many levels, the root's first."""
        self._seeds_L = self._seeds_ahead(levels)

    def first(
        self, laws_RD: torch.Tensor, token_ids_D: torch.Tensor, level: int, k: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Behind nodes of a level, log-chances (at least fp32) and places of the k tokens that most likely win, (R, k).

        Args:
            laws_RD: believed of the next token, under the settings of the target's draws.
            token_ids_D: the target's ids of these tokens.
            level: of the nodes, the root's being 0.
            k: how many.
        """
        q_RW, index_RW = laws_RD.topk(min(max(k, RACING), laws_RD.shape[-1]), dim=-1)
        tokens_W = token_ids_D[index_RW].flatten().numpy(force=True)
        noise_RW = noise(self._seeds_L[level : level + 1], tokens_W).reshape(q_RW.shape)
        chance_RW = torch.from_numpy(chances(q_RW.double().numpy(force=True), noise_RW, trust=TRUST)).to(q_RW)
        chance_Rk, place_Rk = chance_RW.clamp_min(LEAST).topk(k, dim=-1)
        return chance_Rk.log(), index_RW.gather(-1, place_Rk)
