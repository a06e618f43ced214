"""Letters for the quantities, equations between the letters, substitution."""

from random import Random

from offbook.tasks.procedural import Problem, Step
from offbook.tasks.rationales.renderers.phrases import enumeration

PRECEDENCE = {"+": 0, "-": 0, "*": 1, "/": 1}


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    assigned = [f"{given.key} = {given.value}" for given in problem.givens]
    meanings = [f"{given.key} = {given.value} ({given.unit})" for given in problem.givens]
    last = problem.steps[-1]
    match rng.randrange(3):
        case 0:
            sought = " and ".join(f"{step.key} be {step.words}" for step in problem.steps)
            solved = [f"{_symbols(step)} = {_solved(problem, step)}" for step in problem.steps]
            return "\n".join([f"Let {enumeration(assigned)}; let {sought}.", *solved])
        case 1:
            return (
                f"Given: {', '.join(assigned)}. Sought: {last.key}, {last.words}.\n"
                f"{last.key} = {_nested(problem, {})}\n"
                f"Substituting, {last.key} = {_substituted(problem)}."
            )
        case _:
            symbols = enumeration([_symbols(step) for step in problem.steps])
            solved = [f"{step.key} = {_solved(problem, step)}" for step in problem.steps]
            return f"Write {enumeration(meanings)}. Then {symbols}.\nHence {enumeration(solved)}."


def _symbols(step: Step) -> str:
    return f"{step.key} = {step.left} {step.op} {step.right}"


def _solved(problem: Problem, step: Step) -> str:
    values = problem.values
    return f"{values[step.left]} {step.op} {values[step.right]} = {values[step.key]}"


def _substituted(problem: Problem) -> str:
    """The nested expression in numbers, and how it comes out."""
    *earlier, last = problem.steps
    numbers = _nested(problem, {given.key: str(given.value) for given in problem.givens})
    if not earlier:
        return _solved(problem, last)
    return f"{numbers} = {_solved(problem, last)}, where {_solved(problem, earlier[0])}"


def _nested(problem: Problem, names: dict[str, str]) -> str:
    """The last step's expression with an earlier one's written out, in letters or in what stands for them."""
    *earlier, last = problem.steps
    written = {}
    for first in earlier:
        inner = f"{names.get(first.left, first.left)} {first.op} {names.get(first.right, first.right)}"
        if PRECEDENCE[first.op] < PRECEDENCE[last.op] or (
            last.right == first.key and last.op in "-/" and PRECEDENCE[first.op] == PRECEDENCE[last.op]
        ):
            inner = f"({inner})"
        written[first.key] = inner
    left, right = (written.get(key, names.get(key, key)) for key in (last.left, last.right))
    return f"{left} {last.op} {right}"
