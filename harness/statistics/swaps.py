"""Whether two ratios of sums differ, of two decoders on the same documents: a paired randomisation test.

Were the two alike, they might as well have swapped what they took for any document. So the distance between the
logarithms of both ratios (tokens over rounds, tokens over seconds) is held against the distances after every way to
swap. The unit is the document or the cluster of like ones, as in `intervals`; nothing is assumed of how rounds or
seconds are distributed, nor that a mean of ratios means anything.

Shapes: I documents, C clusters, P ways to swap; the 2 are numerator and denominator.
"""

import functools
from collections.abc import Sequence

import numpy as np

from offbook.harness.statistics.clusters import cluster_totals
from offbook.harness.statistics.intervals import Floats

EXACT = 14  # clusters that differ, up to which every way to swap is taken
PATTERNS = 20_000  # drawn where there are more


def swap_test(
    numerators: Sequence[float],
    denominators: Sequence[float],
    other_numerators: Sequence[float],
    other_denominators: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> float:
    """Two-sided p-value of equal ratios; entry i of all four belongs to document i.

    1 where fewer than two clusters differ, or a ratio is none. Of drawn ways the observed one is counted among them
    (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9:39, 2010), so that p is never 0.

    Args:
        numerators: of the one, an entry a document.
        denominators: likewise.
        other_numerators: of the other.
        other_denominators: likewise.
        clusters: the cluster of each document, which is swapped as a whole; None: each is alone.
        seed: of the draws.

    Raises:
        ValueError: sequences of different length.
    """
    columns = (numerators, denominators, other_numerators, other_denominators)
    lengths = [len(column) for column in (*columns, *([] if clusters is None else [clusters]))]
    if len(set(lengths)) != 1:
        msg = f"expected one entry a document in every column, got {lengths}; align them by document"
        raise ValueError(msg)
    values_I4 = np.asarray(columns, dtype=np.float64).T
    values_C4 = values_I4 if clusters is None else cluster_totals(values_I4, clusters)
    if not (values_C4.sum(axis=0) > 0).all():
        return 1.0
    ours_C2, theirs_C2 = values_C4[:, :2], values_C4[:, 2:]
    whole_2, between_C2 = (ours_C2 + theirs_C2).sum(axis=0), ours_C2 - theirs_C2
    differing = (np.abs(between_C2) > 1e-12).any(axis=1)
    if (count := int(differing.sum())) < 2:
        return 1.0
    seen = _distances(np.ones((1, len(between_C2))), between_C2, whole_2)[0]
    if count <= EXACT:
        return float((_distances(_all_signs(count), between_C2[differing], whole_2) >= seen).mean())
    drawn_P = _distances(_drawn_signs(len(between_C2), seed), between_C2, whole_2)
    return (1 + int((drawn_P >= seen).sum())) / (1 + PATTERNS)


def _distances(signs_PC: Floats, between_C2: Floats, whole_2: Floats) -> Floats:
    """Between the logarithms of both ratios, (P,), where a sign of -1 swaps a cluster."""
    moved_P2 = signs_PC @ between_C2
    with np.errstate(divide="ignore", invalid="ignore"):  # swapped so, one side may have nothing
        logs_P2 = np.log(whole_2 + moved_P2) - np.log(whole_2 - moved_P2)
        # Equal sums are equal however they are added up.
        distances: Floats = np.abs(np.round(logs_P2[:, 0] - logs_P2[:, 1], 9))
    return distances


@functools.lru_cache(maxsize=4)
def _all_signs(count: int) -> Floats:
    numbers_P1 = np.arange(2**count)[:, None]
    return np.asarray(1.0 - 2.0 * (numbers_P1 >> np.arange(count) & 1), dtype=np.float64)


@functools.lru_cache(maxsize=1)
def _drawn_signs(count: int, seed: int) -> Floats:
    return np.asarray(1.0 - 2.0 * np.random.default_rng(seed).integers(0, 2, size=(PATTERNS, count)), dtype=np.float64)
