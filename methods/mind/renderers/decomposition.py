"""Numbered smaller questions, answered in order."""

from random import Random

from offbook.methods.mind.renderers.phrases import capital, equation
from offbook.tasks.procedural import Problem

STYLES = (
    ("There are two smaller questions.", "{number}. What is {words}? {equation} {unit}."),
    ("This splits into two parts.", "Part {number}: find {words}. {equation} {unit}."),
    ("Take it in two pieces.", "{number}: {Words} is {equation} {unit}."),
)


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    opening, line = rng.choice(STYLES)
    parts = [
        line.format(
            number=number,
            words=step.words,
            Words=capital(step.words),
            equation=equation(problem, step),
            unit=step.unit,
        )
        for number, step in enumerate(problem.steps, start=1)
    ]
    return "\n".join([opening, *parts])
