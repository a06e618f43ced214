"""The exact law of a verifier: every branch is taken once, and its probability multiplied up in fp64.

A verifier asks a `Chance` (`kernels.verify_tree.drawn`) whenever something is left to chance. Played with `Branches` in
its place it follows a script of outcomes to the end of the script, then always the first that may happen; `law` plays
it until every alternative on every way has been taken. What is summed up is no estimate.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

from offbook.kernels.verify_tree.race import Bools, Floats, Ints

Outcome = TypeVar("Outcome", bound=Hashable)


class Branches:
    """A `Chance` of one round.

    Args:
        script: which of the outcomes that may happen is taken, at each of the first events.
    """

    def __init__(self, script: Sequence[int] = ()) -> None:
        self._script = tuple(script)
        self.taken: list[int] = []
        self.numbers: list[int] = []
        self.probability = 1.0

    def choose(self, weights: Sequence[float]) -> int:
        """The place of an outcome, of those whose weight is not 0; weights sum to one."""
        possible = [place for place, weight in enumerate(weights) if weight > 0]
        number = self._script[len(self.taken)] if len(self.taken) < len(self._script) else 0
        self.taken.append(number)
        self.numbers.append(len(possible))
        self.probability *= float(weights[possible[number]])
        return possible[number]

    def accepts(self, rounds_R: Ints, depth: int, place: int, probability_R: Floats) -> Bools:
        """See `Chance`."""
        (probability,) = probability_R.tolist()
        return np.array([self.choose([probability, 1.0 - probability]) == 0])

    def draws(self, rounds_R: Ints, depth: int, p_RV: Floats) -> Ints:
        """See `Chance`."""
        (weights,) = p_RV.tolist()
        return np.array([self.choose(weights)])


def law(play: Callable[[Branches], Outcome]) -> dict[Outcome, float]:
    """The probability of every outcome of `play`, which must leave all chance to the `Branches` that it is given."""
    found = defaultdict[Outcome, float](float)
    pending: list[tuple[int, ...]] = [()]
    while pending:
        script = pending.pop()
        branches = Branches(script)
        found[play(branches)] += branches.probability
        for event in range(len(script), len(branches.taken)):
            before = tuple(branches.taken[:event])
            pending += [(*before, other) for other in range(1, branches.numbers[event])]
    return dict(found)
