"""A network that is trained with the student, in the same steps and by the same optimiser, such as heads on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Companion:
    """See the module.

    Attributes:
        network: its parameters are all trained; the loop moves it to the student's device.
        save: writes the network once the student's weights lie in their folder, both as they were when the student
            scored best; takes the names of the responses that were learned from, returns the names of its files in the
            student's folder.
        rate: its learning rate, as a multiple of the student's.
        alone: share of the budget, from the beginning, in which nothing else is trained: no loss may then reach the
            student's weights. The rest has a warm-up and a schedule of its own, and only there are weights scored.
    """

    network: nn.Module
    save: Callable[[Sequence[str]], Sequence[str]]
    rate: float = 1.0
    alone: float = 0.0
