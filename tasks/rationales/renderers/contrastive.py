"""A wrong candidate, computed and rejected for a reason that can be checked, beside the right one."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from offbook.tasks.procedural import Problem
from offbook.tasks.procedural.generate import LARGEST
from offbook.tasks.rationales.renderers.phrases import SIGNS, equation, equations

STYLES = (
    "One might answer {wrong}. But {value} cannot be right: {reason}. Better: {right}.",
    "First try: {wrong}. However, {value} fails, because {reason}. Second try: {right}. This one stands.",
    "Two ways compete. One says {wrong}, but {value} is wrong: {reason}. The other holds: {right}.",
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A wrong solution: how it is computed, what comes out, the fact that rules it out, what to do instead."""

    wrong: str
    value: int
    reason: str
    right: str


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    candidate = rng.choice(candidates(problem))
    return rng.choice(STYLES).format_map(vars(candidate))


def candidates(problem: Problem) -> list[Candidate]:
    """The wrong solutions that come out as a number of their own, which the right one does not contain.

    Never empty, since a problem's numbers are all different: of two steps one can stop after the first, and
    the numbers of a one-step problem are small enough for a wrong operation to come out.
    """
    right = problem.values.values()
    wrong = list(_wrong_operation(problem))
    if len(problem.steps) > 1:
        wrong += _left_out(problem)
    wrong = [one for one in wrong if one.value not in right]
    if len(problem.steps) > 1:
        wrong += _stopped_early(problem)
    return [one for one in wrong if one.value <= LARGEST]


def _stopped_early(problem: Problem) -> Iterator[Candidate]:
    """The first step taken for the whole."""
    first, last = problem.steps
    unused = {last.left, last.right} - {first.key, first.left, first.right}
    for given in problem.givens:
        if given.key in unused:
            yield Candidate(
                wrong=equation(problem, first),
                value=problem.values[first.key],
                reason=f"it is {first.words} and leaves out {given.words}",
                right=equation(problem, last),
            )


def _left_out(problem: Problem) -> Iterator[Candidate]:
    """The last step with a given where the first step's result belongs; the other given is left out."""
    first, last = problem.steps
    values = problem.values
    for used, omitted in ((first.left, first.right), (first.right, first.left)):
        left, right = (values[used if key == first.key else key] for key in (last.left, last.right))
        if (last.op == "-" and left <= right) or (last.op == "/" and left % right):
            continue
        result = {"+": left + right, "-": left - right, "*": left * right, "/": left // right}[last.op]
        yield Candidate(
            wrong=f"{left} {SIGNS[last.op]} {right} = {result}",
            value=result,
            reason=f"it leaves out {problem.named(omitted).words}",
            right=", then ".join(equations(problem)),
        )


def _wrong_operation(problem: Problem) -> Iterator[Candidate]:
    """The last step with another operation, ruled out by what its result would have to satisfy."""
    last = problem.steps[-1]
    left, right, sought = (problem.named(key) for key in (last.left, last.right, last.key))
    before = "".join(f"{equation(problem, step)}, then " for step in problem.steps[:-1])
    a, b = left.value, right.value
    match last.op:
        case "-" if a + 2 * b <= LARGEST:
            yield Candidate(
                wrong=f"{before}{a} + {b} = {a + b}",
                value=a + b,
                reason=f"with {right.words} it must make {left.words}, but {a + b} + {b} = {a + 2 * b}, not {a}",
                right=equation(problem, last),
            )
        case "+":
            large, small = (left, right) if a > b else (right, left)
            value = large.value - small.value
            yield Candidate(
                wrong=f"{before}{large.value} - {small.value} = {value}",
                value=value,
                reason=f"{value} is less than {large.value}, which is only a part of {sought.words}",
                right=equation(problem, last),
            )
            yield Candidate(
                wrong=f"{before}{a} x {b} = {a * b}",
                value=a * b,
                reason=f"without {right.words} it must be {left.words}, but {a * b} - {b} = {a * b - b}, not {a}",
                right=equation(problem, last),
            )
        case "*":
            yield Candidate(
                wrong=f"{before}{a} + {b} = {a + b}",
                value=a + b,
                reason=f"2 x {max(a, b)} = {2 * max(a, b)} is already more than {a + b}",
                right=equation(problem, last),
            )
        case "/":
            yield Candidate(
                wrong=f"{before}{a} + {b} = {a + b}",
                value=a + b,
                reason=f"{a + b} is more than {a}, which is to be divided",
                right=equation(problem, last),
            )
            if (a - b) * b <= LARGEST:
                yield Candidate(
                    wrong=f"{before}{a} - {b} = {a - b}",
                    value=a - b,
                    reason=f"times {right.words} it must be {left.words}, but {a - b} x {b} = {(a - b) * b}, not {a}",
                    right=equation(problem, last),
                )
