"""What in a training's log says that the parts of its method acted; a method that logs none of it has none.

A method that selects and learns to score does nothing of the kind where no question is met twice, where its network
makes no steps, or where one path is all that it ever keeps. So a record carries these numbers beside the accuracies.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Of the last step, which tells what there is so far; of all steps, their mean; of all steps, their sum.
LAST = ("visits", "met_again", "set_changed", "meta_steps")
MEAN = ("kept", "entropy", "rank_change", "jitter", "spearman", "consistency", "meta_loss")
SUM = ("read_tokens",)


def activity(log: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The numbers of a log, an entry a step; `meta_loss` and that of each watched rate over the second half.

    Raises:
        ValueError: an entry that is no number.
    """
    if not log:
        return {}
    names = [name for name in log[-1] if name in (*LAST, *MEAN, *SUM) or name.startswith("meta_loss/")]
    found = {}
    for name in names:
        values = [float(entry[name]) for entry in log if name in entry]
        if not all(map(math.isfinite, values)):
            msg = f"log: expected numbers as {name}, got others; train the student again"
            raise ValueError(msg)
        if name in LAST:
            found[name] = values[-1]
        elif name in SUM:
            found[name] = sum(values)
        else:
            late = values[len(values) // 2 :] if name.startswith("meta_loss") else values
            found[name] = sum(late) / len(late)
    return found
