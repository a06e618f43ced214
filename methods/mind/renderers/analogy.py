"""A simpler case of the same structure, solved, then the original by the same way."""

from itertools import product
from random import Random

from offbook.methods.mind.renderers.phrases import equations, listing
from offbook.tasks.procedural import Problem

STYLES = (
    "Take a smaller case first: {small}. There {one} and {two}. The real case works the same way: {first} and {last}.",
    "With easier numbers, say {small}, it is {one}, then {two}. The same steps here give {first}, then {last}.",
    "Suppose it were only {small}. Then {one}, and {two}. The given numbers follow this pattern: {first}, and {last}.",
)
CHOICE = 5
EASY = 10


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    small = simpler(problem, rng)
    one, two = equations(small)
    first, last = equations(problem)
    return rng.choice(STYLES).format(small=listing(small.givens), one=one, two=two, first=first, last=last)


def simpler(problem: Problem, rng: Random) -> Problem:
    """One of the simplest instances of the problem's story that come out even, with another answer.

    Ours: simplest by the largest number in it, results included; no number is one, or above the original's.
    """
    found: list[tuple[int, int, Problem]] = []
    for numbers in product(*(range(2, min(given.value, EASY) + 1) for given in problem.givens)):
        small = problem.with_givens({given.key: n for given, n in zip(problem.givens, numbers, strict=True)})
        try:
            values = small.values
        except ValueError:
            continue
        if min(values.values()) >= 2 and small.answer != problem.answer:
            found.append((max(values.values()), sum(values.values()), small))
    assert found, f"{problem.id} has no simpler case"
    found.sort(key=lambda entry: entry[:2])
    return rng.choice(found[:CHOICE])[2]
