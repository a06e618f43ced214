"""How quantities and calculations are put into words."""

from collections.abc import Sequence

from offbook.tasks.procedural import Problem, Quantity, Step

SIGNS = {"+": "+", "-": "-", "*": "x", "/": "/"}


def equation(problem: Problem, step: Step) -> str:
    """A step with its numbers: "4 x 3 = 12"."""
    values = problem.values
    return f"{values[step.left]} {SIGNS[step.op]} {values[step.right]} = {values[step.key]}"


def equations(problem: Problem) -> list[str]:
    """Every step with its numbers."""
    return [equation(problem, step) for step in problem.steps]


def listing(quantities: Sequence[Quantity]) -> str:
    """Numbers with their units: "4 notebooks, 3 dollars a notebook and 20 dollars handed over"."""
    return enumeration([str(quantity) for quantity in quantities])


def enumeration(items: Sequence[str]) -> str:
    """Items with commas, "and" before the last."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def instruction(problem: Problem, step: Step) -> str:
    """What a step does, without numbers: "multiply the number of notebooks by the price of a notebook"."""
    left, right = problem.named(step.left).words, problem.named(step.right).words
    match step.op:
        case "+":
            return f"add {right} to {left}"
        case "-":
            return f"subtract {right} from {left}"
        case "*":
            return f"multiply {left} by {right}"
        case "/":
            return f"divide {left} by {right}"
