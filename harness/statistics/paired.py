"""Two students whose seeds are pairs: equal orders, draws and items, so that what a seed does to both cancels.

The difference of every item and seed is one number, and its mean has the variance of crossed random effects like any
other score (`crossed.py`): seeds of the difference are still a sample, but vary less where the pairing helps.
"""

from collections.abc import Sequence

from offbook.harness.statistics.clusters import by_cluster
from offbook.harness.statistics.crossed import Estimate, estimate
from offbook.harness.statistics.intervals import Floats


def paired_difference(ours_IS: Floats, theirs_IS: Floats, clusters: Sequence[str]) -> Estimate:
    """Mean of ours minus mean of theirs, over items of these clusters and over pairs of seeds.

    Args:
        ours_IS: scores, items x seeds.
        theirs_IS: of the same items and the same seeds, in the same order.
        clusters: of the items.

    Raises:
        ValueError: other items or seeds, or no score at all.
    """
    if ours_IS.shape != theirs_IS.shape or not ours_IS.size:
        msg = f"expected scores of the same items and seeds, got {ours_IS.shape} and {theirs_IS.shape}; align them"
        raise ValueError(msg)
    return estimate(by_cluster(ours_IS - theirs_IS, clusters))
