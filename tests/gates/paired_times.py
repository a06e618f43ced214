"""How many times as long this tree takes as another, and an interval of it.

Blocks are compared only with their neighbour in time: whatever else the machine does changes within a second, and makes
a block twice as slow as one of the same code a second before. Of one cluster the log ratio is the median over its
pairs, which a block that was held up cannot move. A minimum or low quantile of either side alone asks that both saw an
equally quiet moment: on two cores with three times as much to do, its spread over clusters was 1.5 to 3 times as large.

Pairs of one cluster share two processes, and moments; so they are no independent draws, and whole clusters are the
sample: the location is the mean over clusters, its interval Student's (`statistics.intervals.mean_interval`), both of
log ratios.

Both clocks are judged. That of the processor stands still while another program has the core, so it sees 5 % also on a
busy machine; the clock on the wall sees what waits.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from offbook.harness.statistics.intervals import mean_interval

LEVEL = 0.99
MARGIN = 1.03
CLOCKS = ("processor", "wall")

Blocks = Sequence[tuple[int, float, float]]  # tree (0 is this one), seconds of the processor and of the clock


class Ratio(NamedTuple):
    """This tree's time over the other's; the interval is (0, inf) where clusters are too few to give one."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def slower(self) -> bool:
        """Whether it is beyond doubt more than the margin."""
        return self.low > MARGIN


def cluster_ratios(blocks: Blocks) -> dict[str, float]:
    """By clock the median log ratio over pairs of neighbours, this tree's over the other's."""
    pairs = [dict((block[0], block[1:]) for block in blocks[i : i + 2]) for i in range(0, len(blocks), 2)]
    logs = np.log([[pair[0], pair[1]] for pair in pairs])
    medians = np.median(logs[:, 0] - logs[:, 1], axis=0)
    return dict(zip(CLOCKS, medians.tolist(), strict=True))


def compare(log_ratios: Sequence[float]) -> Ratio:
    """The ratio that clusters' log ratios tell."""
    middle = math.exp(float(np.mean(log_ratios)))
    interval = mean_interval(log_ratios, level=LEVEL)
    if interval is None:
        return Ratio(middle, 0.0, math.inf)
    return Ratio(middle, math.exp(interval.low), math.exp(interval.high))


def slower(found: Mapping[str, Sequence[float]]) -> bool:
    """Whether a gate fails: by either clock."""
    return any(compare(found[clock]).slower for clock in CLOCKS)
