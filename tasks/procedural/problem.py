"""A word problem whose solution is a graph: givens, steps that each combine two quantities, the last one the answer.

Question and answer are read off the graph, so they cannot disagree. `with_givens` gives the same story with other
numbers (a counterfactual, a simpler analogue), `with_op` the same story solved wrongly (a candidate to reject).
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

Op = Literal["+", "-", "*", "/"]
OPERATIONS: dict[Op, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number of the question.

    Attributes:
        key: a single letter.
        value: a positive whole number.
        words: what it is, as a noun phrase: "the price of a notebook".
        unit: what is counted, as it stands behind the number: "dollars a notebook".
    """

    key: str
    value: int
    words: str
    unit: str

    def __str__(self) -> str:
        return f"{self.value} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation: `key` is `left` `op` `right`, keys of givens or of earlier steps; `words` and `unit` as above."""

    key: str
    op: Op
    left: str
    right: str
    words: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A word problem.

    Attributes:
        id: `<family>-<split>-<number>`.
        family: the kind of story.
        template: the story, an id within its family.
        split: train, dev or test.
        wording: the question with a slot for each number: "{n} notebooks".
        givens: its numbers.
        steps: the way to the answer, in order.
    """

    id: str
    family: str
    template: str
    split: str
    wording: str
    givens: tuple[Quantity, ...]
    steps: tuple[Step, ...]

    @property
    def question(self) -> str:
        """The question with its numbers."""
        return self.wording.format_map({given.key: given.value for given in self.givens})

    @property
    def values(self) -> dict[str, int]:
        """The value of every given and of every step, by key.

        Raises:
            ValueError: a step is not exact or not positive.
        """
        return evaluate({given.key: given.value for given in self.givens}, self.steps)

    @property
    def answer(self) -> str:
        """The value of the last step, in digits."""
        return str(self.values[self.steps[-1].key])

    @property
    def unit(self) -> str:
        """What the answer counts."""
        return self.steps[-1].unit

    def named(self, key: str) -> Quantity:
        """The given or the result of the step of this key."""
        for given in self.givens:
            if given.key == key:
                return given
        step = next(step for step in self.steps if step.key == key)
        return Quantity(key=key, value=self.values[key], words=step.words, unit=step.unit)

    def with_givens(self, changes: Mapping[str, int]) -> Self:
        """The same story with other numbers.

        Raises:
            ValueError: no given has such a key.
        """
        unknown = changes.keys() - {given.key for given in self.givens}
        if unknown:
            msg = f"expected keys of givens of {self.id}, got {', '.join(sorted(unknown))}; see its `givens`"
            raise ValueError(msg)
        givens = tuple(replace(given, value=changes.get(given.key, given.value)) for given in self.givens)
        return replace(self, givens=givens)

    def with_op(self, key: str, op: Op) -> Self:
        """The same story with the step of this key solved by another operation."""
        return replace(self, steps=tuple(replace(s, op=op) if s.key == key else s for s in self.steps))


def evaluate(givens: Mapping[str, int], steps: Iterable[Step]) -> dict[str, int]:
    """The value of every given and of every step, by key.

    Raises:
        ValueError: a division leaves a remainder, or a result is not positive.
    """
    values = dict(givens)
    for step in steps:
        left, right = values[step.left], values[step.right]
        if step.op == "/" and (right == 0 or left % right):
            msg = f"expected a division without remainder, got {left} / {right} for {step.words}; choose other numbers"
            raise ValueError(msg)
        result = OPERATIONS[step.op](left, right)
        if result < 1:
            msg = f"expected a positive result, got {left} {step.op} {right} = {result} for {step.words}; choose others"
            raise ValueError(msg)
        values[step.key] = result
    return values
