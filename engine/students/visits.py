"""How often a question was met, and what is drawn for a visit to it.

A draw depends on seed, question and visit alone, so that whichever process or sitting draws, draws the same, and two
methods that draw at the same visit draw by the same number: what differs between them is the method.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any


class Visits:
    """Visits of every question, counted behind a step; saved with a training's state.

    Args:
        questions: how many there are.
    """

    def __init__(self, questions: int) -> None:
        self.counts = [0] * questions

    def count(self, questions: Iterable[int]) -> None:
        """Takes in a step's questions."""
        for question in questions:
            self.counts[question] += 1

    @property
    def mean(self) -> float:
        """Visits a question so far."""
        return sum(self.counts) / len(self.counts)

    def state_dict(self) -> dict[str, Any]:
        """The counts."""
        return {"counts": self.counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        self.counts = list(state["counts"])


def draw(seed: int, question: str, visit: int) -> float:
    """A number in [0, 1) for a visit to a question."""
    return random.Random(f"{seed}/{question}/{visit}").random()


def drawn(weights: Sequence[float], number: float) -> int:
    """The place that a number in [0, 1) falls on where each has its share of the weights; never one of weight 0.

    Args:
        weights: at least 0 each, and not all 0.
        number: see `draw`.
    """
    there = [place for place, weight in enumerate(weights) if weight > 0]
    left = number * sum(weights)
    for place in there:
        left -= weights[place]
        if left < 0:
            return place
    return there[-1]  # what rounding left over
