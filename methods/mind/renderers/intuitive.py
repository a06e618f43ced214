"""Picture it, round to something easy, correct the difference."""

from random import Random

from offbook.methods.mind.renderers.phrases import capital, equation, listing
from offbook.tasks.procedural import Problem, Step

OPENINGS = ("Picture {givens}.", "Imagine {givens}.", "Think of {givens}.")
EASY = (5, 10)


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    first, last = problem.steps
    seen = [given for given in problem.givens if given.key in (first.left, first.right)]
    opening = rng.choice(OPENINGS).format(givens=listing(seen))
    return f"{opening} {capital(_head(problem, first))}, {first.words}. {capital(_head(problem, last))}."


def _head(problem: Problem, step: Step) -> str:
    """A step worked out as one does in one's head."""
    left, right = problem.values[step.left], problem.values[step.right]
    match step.op:
        case "*":
            return _product(left, right)
        case "/":
            return _quotient(left, right)
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
    """Few equal parts are added up; otherwise by way of 5 or 10 times."""
    few, part = sorted((left, right))
    if few <= 4:
        return f"{few} times {part} is {' + '.join([str(part)] * few)} = {few * part}"
    gap, times, near = min((abs(times - near), times, near) for times in (left, right) for near in EASY)
    one = right if times == left else left
    if gap == 0:
        return f"{times} x {one} = {times * one}"
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
