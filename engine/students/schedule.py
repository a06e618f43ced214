"""The learning rate over a training's budget."""

import math


def rate(done: float, warmup: float, alone: float = 0.0) -> float:
    """Linear warm-up, then cosine to zero, as a share of the peak.

    Args:
        done: share of the budget that is spent.
        warmup: share of a stage that is warm-up.
        alone: where the second stage begins, in which all of this starts anew; 0 for one stage.
    """
    done = done / alone if done < alone else (done - alone) / (1 - alone)
    if done < warmup:
        return max(done / warmup, 0.1)
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))
