"""Picture it, round to something easy, correct the difference."""

from random import Random

from offbook.tasks.procedural import Problem, Step
from offbook.tasks.rationales.renderers.phrases import capital, equation, listing

OPENINGS = ("Picture {givens}.", "Imagine {givens}.", "Think of {givens}.")
EASY = (5, 10)
FEW = 4


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    first = problem.steps[0]
    seen = [given for given in problem.givens if given.key in (first.left, first.right)]
    opening = rng.choice(OPENINGS).format(givens=listing(seen))
    heads = [capital(_head(problem, step)) for step in problem.steps]
    return " ".join([opening, f"{heads[0]}, {first.words}.", *(f"{head}." for head in heads[1:])])


def _head(problem: Problem, step: Step) -> str:
    """A step worked out as one does in one's head."""
    left, right = problem.values[step.left], problem.values[step.right]
    match step.op:
        case "*":
            return _product(left, right)
        case "/":
            return _quotient(left, right)
        case "+" | "-" if right <= FEW:
            one_by_one = f" {step.op} 1" * right
            return f"one after the other, {left}{one_by_one} = {problem.values[step.key]}"
        case "+" if left != _tens(left) > 0 and left + right > 20:
            near = _tens(left)
            return (
                f"{left} is about {near}: {near} + {right} = {near + right}, {_corrected(near + right, left + right)}"
            )
        case "-" if right != _tens(right) > 0 and _tens(right) < left:
            near = _tens(right)
            return f"{right} is about {near}: {left} - {near} = {left - near}, {_corrected(left - near, left - right)}"
    return equation(problem, step)


def _product(left: int, right: int) -> str:
    """Few equal parts are added up; otherwise by way of 10 times or its half."""
    few, part = sorted((left, right))
    if few <= FEW:
        return f"{few} times {part} is {' + '.join([str(part)] * few)} = {few * part}"
    gap, times, near = min((abs(times - near), times, near) for times in (left, right) for near in EASY)
    one = right if times == left else left
    if times == 10:
        return f"ten times {one} puts a zero behind it: {one} x 10 = {10 * one}"
    if times == 5:
        return f"five times is half of ten times: 10 x {one} = {10 * one}, and {10 * one} / 2 = {5 * one}"
    rough, rest = near * one, gap * one
    if times > near:
        return f"start from {near} x {one} = {rough} and add: {rough} + {rest} = {times * one}"
    return f"start from {near} x {one} = {rough} and take off: {rough} - {rest} = {times * one}"


def _quotient(total: int, size: int) -> str:
    """By trial: 5 or 10 fit, the rest is seen at once."""
    times = total // size
    trial = max((easy for easy in EASY if easy < times), default=0)
    if not trial:
        return f"{times} x {size} = {total} fits, so {total} / {size} = {times}"
    rest = total - trial * size
    return (
        f"{trial} x {size} = {trial * size} leaves {rest}, enough for {times - trial} more: {total} / {size} = {times}"
    )


def _corrected(rough: int, exact: int) -> str:
    gap = abs(rough - exact)
    return (
        f"{gap} too much: {rough} - {gap} = {exact}"
        if rough > exact
        else f"{gap} too little: {rough} + {gap} = {exact}"
    )


def _tens(number: int) -> int:
    return (number + 5) // 10 * 10
