"""Two functions in turns on one CPU: how many times as long the first takes as the second, and an interval of it."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

BLOCK_S = 0.004  # calls of one function in a row, so that the clock's grain is nothing beside them
FEWEST, MOST = 11, 101  # pairs of blocks
LEVEL = 0.99


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Seconds a call of the first function, and the ratio of its time to the second's.

    Attributes:
        first_s: a block of calls each.
        ratio: median over pairs of neighbouring blocks.
        low: bounds of the median at `LEVEL`, whatever the pairs' law (order statistics); `high` likewise.
        high: see `low`.
    """

    first_s: Sequence[float]
    ratio: float
    low: float
    high: float


def time_in_turns(
    first: Callable[..., Any], second: Callable[..., Any], inputs: Sequence[Sequence[Any]], budget_s: float
) -> Paired:
    """Time both on the same inputs, in blocks side by side, each function first in every other pair.

    Args:
        first: the one that is asked about.
        second: what it is compared with.
        inputs: several, used in turn.
        budget_s: seconds it may take, roughly; at least `FEWEST` pairs are timed.
    """
    functions = (first, second)
    for function in functions:  # the first call pays for imports
        function(*inputs[0])
    once_s = max(_block(function, inputs, len(inputs)) for function in functions)
    calls = len(inputs) * math.ceil(BLOCK_S / (once_s * len(inputs)))
    pairs = max(FEWEST, min(MOST, int(budget_s / (2 * calls * once_s))))
    times: list[tuple[float, float]] = []
    for pair in range(pairs):
        found = {place: _block(functions[place], inputs, calls) for place in ((0, 1), (1, 0))[pair % 2]}
        times.append((found[0], found[1]))
    logs = [math.log(ours / theirs) for ours, theirs in times]
    low, high = median_interval(logs)
    return Paired(
        first_s=[ours for ours, _ in times],
        ratio=math.exp(statistics.median(logs)),
        low=math.exp(low),
        high=math.exp(high),
    )


def median_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """Bounds of the median of what the values are drawn from: the k-th from either end (David and Nagaraja, 7.1).

    The median is outside with probability 2 P(B < k) for B of n fair coins, whatever the law is.
    """
    ordered, n = sorted(values), len(values)
    outside, k = 0.0, 0
    while 2 * (outside + math.comb(n, k) / 2**n) <= 1 - level:
        outside += math.comb(n, k) / 2**n
        k += 1
    return (ordered[k - 1], ordered[n - k]) if k else (-math.inf, math.inf)


def _block(function: Callable[..., Any], inputs: Sequence[Sequence[Any]], calls: int) -> float:
    """Seconds a call."""
    began = time.perf_counter()
    for call in range(calls):
        function(*inputs[call % len(inputs)])
    return (time.perf_counter() - began) / calls
