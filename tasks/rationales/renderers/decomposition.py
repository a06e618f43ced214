"""Numbered smaller questions, answered in order; a single calculation is itself split into easier ones."""

from random import Random

from offbook.tasks.procedural import Problem, Step
from offbook.tasks.rationales.renderers.phrases import capital, equation

STYLES = (
    ("There are two smaller questions.", "{number}. What is {words}? {equation} {unit}."),
    ("This splits into two parts.", "Part {number}: find {words}. {equation} {unit}."),
    ("Take it in two pieces.", "{number}: {Words} is {equation} {unit}."),
)
ONE_STEP_STYLES = (
    ("Split {whole} into {one} and {two}.", "{number}. {equation}"),
    ("In parts it is easier, with {one} and {two} for {whole}.", "Part {number}: {equation}"),
    ("Take {whole} in two pieces, {one} and {two}.", "{number}: {equation}"),
)
EASY = (10, 5)


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    if len(problem.steps) == 1:
        return _split(problem, rng)
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


def _split(problem: Problem, rng: Random) -> str:
    """7 x 8 by way of 7 x 5 and 7 x 3."""
    (step,) = problem.steps
    opening, line = rng.choice(ONE_STEP_STYLES)
    whole, one, two, equations = _pieces(problem, step)
    parts = [line.format(number=number, equation=text) for number, text in enumerate(equations, start=1)]
    return "\n".join(
        [
            opening.format(whole=whole, one=one, two=two),
            *(f"{part}." for part in parts[:-1]),
            f"{parts[-1]} {step.unit}, {step.words}.",
        ]
    )


def _pieces(problem: Problem, step: Step) -> tuple[int, int, int, list[str]]:
    """One of the step's numbers, the two that it is split into, and the easier calculations."""
    a, b = problem.values[step.left], problem.values[step.right]
    match step.op:
        case "*":
            whole, other = max(a, b), min(a, b)
            one, two = _easy(whole)
            first, second = f"{one} x {other} = {one * other}", f"{two} x {other} = {two * other}"
            return whole, one, two, [first, second, f"{one * other} + {two * other} = {a * b}"]
        case "/":
            one, two = _easy(a // b)
            first, second = f"{one * b} / {b} = {one}", f"{two * b} / {b} = {two}"
            return a, one * b, two * b, [first, second, f"{one} + {two} = {a // b}"]
        case "-":
            one, two = _to_the_ten(b, a % 10)
            return b, one, two, [f"{a} - {one} = {a - one}", f"{a - one} - {two} = {a - b}"]
        case "+":
            one, two = _to_the_ten(b, -a % 10)
            return b, one, two, [f"{a} + {one} = {a + one}", f"{a + one} + {two} = {a + b}"]


def _easy(number: int) -> tuple[int, int]:
    """A number of two or more as ten or five and the rest, or in halves."""
    one = next((easy for easy in EASY if easy < number), (number + 1) // 2)
    return one, number - one


def _to_the_ten(number: int, gap: int) -> tuple[int, int]:
    """A number of two or more as the gap to a round ten and the rest, or in halves."""
    one = gap if 0 < gap < number else (number + 1) // 2
    return one, number - one
