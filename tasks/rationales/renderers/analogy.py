"""A simpler case of the same structure, solved, then the original by the same way."""

from itertools import product
from random import Random

from offbook.tasks.procedural import Problem
from offbook.tasks.rationales.renderers.phrases import enumeration, equations, listing

STYLES = (
    "Take a smaller case first: {small}. There {solved}. The real case works the same way: {original}.",
    "With easier numbers, say {small}, it is {solved}. The same way here gives {original}.",
    "Suppose it were only {small}. Then {solved}. The given numbers follow this pattern: {original}.",
)
CHOICE = 5
EASY = 10


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    small = simpler(problem, rng)
    return rng.choice(STYLES).format(
        small=listing(small.givens), solved=enumeration(equations(small)), original=enumeration(equations(problem))
    )


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
