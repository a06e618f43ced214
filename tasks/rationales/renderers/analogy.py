"""A simpler case of the same structure, solved, then the original by the same way."""

from itertools import product
from random import Random

from offbook.tasks.procedural import Problem, evaluate
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
    keys, answer = [given.key for given in problem.givens], int(problem.answer)
    found: list[tuple[int, int, dict[str, int]]] = []
    for numbers in product(*(range(2, min(given.value, EASY) + 1) for given in problem.givens)):
        givens = dict(zip(keys, numbers, strict=True))
        try:
            values = evaluate(givens, problem.steps)
        except ValueError:
            continue
        if min(values.values()) >= 2 and values[problem.steps[-1].key] != answer:
            found.append((max(values.values()), sum(values.values()), givens))
    assert found, f"{problem.id} has no simpler case"
    found.sort(key=lambda entry: entry[:2])
    return problem.with_givens(rng.choice(found[:CHOICE])[2])
