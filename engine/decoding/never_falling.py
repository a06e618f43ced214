"""The line nearest to measured values that never falls: pooling adjacent violators (Ayer et al., 1955)."""

from collections.abc import Sequence


def never_falling(values: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """Of values in order, the means of pools that rise, each value weighing as much as `weights` says, or all alike."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, places
    for value, weight in zip(values, weights or [1.0] * len(values), strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (m, w, n), (last_m, last_w, last_n) = pools[-2], pools[-1]
            pools[-2:] = [((m * w + last_m * last_w) / (w + last_w), w + last_w, n + last_n)]
    return [mean for mean, _, places in pools for _ in range(places)]
