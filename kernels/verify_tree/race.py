"""One token from a distribution, drawn such that nearly equal distributions nearly always give the same one.

The exponential race (the Gumbel-max trick divided by itself): every token i has a noise E_i of the exponential
distribution, and the token with the largest p_i / E_i is drawn, which is i with probability p_i. Where two parties that
know distributions p and q take the same noise, they draw the same token unless p and q differ where it matters (Daliri,
Musco and Suresh, Coupling without communication and drafter-invariant speculative decoding, arXiv:2408.07978): with one
seed a position, what a decoder says no longer depends on how the position was computed or what was drafted for it.

The noise is a function of a seed and the token's id, SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom
number generators, 2014), so that only likely tokens need any. The others are asked for together, by one uniform number.

Shapes: B independent draws, V vocabulary, K tokens.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # of 32 or 64 bits
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Seeds = NDArray[np.uint64]

LIKELY = 1e-5  # tokens above it take part in the race; all others together are one event, nearly always refused
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FACTORS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)
ALL_OTHERS = np.array([-1])  # whose number decides whether one of them is drawn


def draw(probs_BV: Floats, seeds_B: Seeds) -> Ints:
    """Token ids (B,).

    Args:
        probs_BV: distributions, fp32 or fp64; they need not sum to one exactly.
        seeds_B: of one draw each.
    """
    likely_BV = probs_BV > LIKELY
    tokens_K = np.flatnonzero(likely_BV.any(axis=0))
    p_BK = probs_BV[:, tokens_K] * likely_BV[:, tokens_K].astype(np.float64)
    total_B = probs_BV.sum(axis=1, dtype=np.float64)
    rest_B = total_B - p_BK.sum(axis=1)
    others_B = uniform(seeds_B, ALL_OTHERS)[:, 0] * total_B < rest_B
    drawn_B = tokens_K[_race(p_BK, tokens_K, seeds_B)] if len(tokens_K) else np.zeros(len(seeds_B), dtype=np.int64)
    if others_B.any():
        p_CV = np.where(likely_BV[others_B], 0.0, probs_BV[others_B])
        drawn_B[others_B] = _race(p_CV, np.arange(p_CV.shape[1]), seeds_B[others_B])
    return drawn_B


def uniform(seeds_B: Seeds, tokens_K: Ints) -> Floats:
    """The numbers of these tokens under these seeds, (B, K), in (0, 1)."""
    mixed = seeds_B[:, None] + (tokens_K + 2).astype(np.uint64) * GOLDEN  # unsigned integers wrap round
    for shift, factor in zip((30, 27), FACTORS, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(12)) + 0.5) * 2.0**-52


def noise(seeds_B: Seeds, tokens_K: Ints) -> Floats:
    """Exponential numbers (B, K), by which these tokens' probabilities are divided in the races of these seeds."""
    exponential_BK: Floats = -np.log(uniform(seeds_B, tokens_K))
    return exponential_BK


def _race(p_BK: Floats, tokens_K: Ints, seeds_B: Seeds) -> Ints:
    """Places (B,) of the winners; a token of probability 0 never wins against another."""
    places_B: Ints = (p_BK / noise(seeds_B, tokens_K)).argmax(axis=1)
    return places_B
