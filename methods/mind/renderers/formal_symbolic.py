"""Letters for the quantities, equations between the letters, substitution."""

from random import Random

from offbook.methods.mind.renderers.phrases import enumeration
from offbook.tasks.procedural import Problem, Step

PRECEDENCE = {"+": 0, "-": 0, "*": 1, "/": 1}


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    values = problem.values
    first, last = problem.steps
    assigned = [f"{given.key} = {given.value}" for given in problem.givens]
    substituted = f"{values[last.left]} {last.op} {values[last.right]} = {problem.answer}"
    first_solved = f"{values[first.left]} {first.op} {values[first.right]} = {values[first.key]}"
    match rng.randrange(3):
        case 0:
            return (
                f"Let {enumeration(assigned)}; let {first.key} be {first.words} and {last.key} {last.words}.\n"
                f"{_symbols(first)} = {first_solved}\n{_symbols(last)} = {substituted}"
            )
        case 1:
            names = {given.key: str(given.value) for given in problem.givens}
            return (
                f"Given: {', '.join(assigned)}. Sought: {last.key}, {last.words}.\n"
                f"{last.key} = {_nested(first, last, {})}\n"
                f"Substituting, {last.key} = {_nested(first, last, names)} = {substituted}"
                f", where {first_solved}."
            )
        case _:
            meanings = [f"{given.key} = {given.value} ({given.unit})" for given in problem.givens]
            return (
                f"Write {enumeration(meanings)}. Then {_symbols(first)} and {_symbols(last)}.\n"
                f"Hence {first.key} = {first_solved} and {last.key} = {substituted}."
            )


def _symbols(step: Step) -> str:
    return f"{step.key} = {step.left} {step.op} {step.right}"


def _nested(first: Step, last: Step, names: dict[str, str]) -> str:
    """The last step's expression with the first step's written out, in letters or in what stands for them."""
    inner = f"{names.get(first.left, first.left)} {first.op} {names.get(first.right, first.right)}"
    if PRECEDENCE[first.op] < PRECEDENCE[last.op] or (
        last.right == first.key and last.op in "-/" and PRECEDENCE[first.op] == PRECEDENCE[last.op]
    ):
        inner = f"({inner})"
    left, right = (inner if key == first.key else names.get(key, key) for key in (last.left, last.right))
    return f"{left} {last.op} {right}"
