"""One condition changed, the answer recomputed, the decisive condition named, then back to the original."""

from random import Random

from offbook.tasks.procedural import Problem, Quantity
from offbook.tasks.procedural.generate import fits
from offbook.tasks.rationales.renderers.phrases import capital, enumeration, equation, equations

STYLES = (
    "What if it were {new} {unit} instead of {old}? Then {changed}. {Words} is decisive: it moves the answer to "
    "{result}. With the real {old}: {original}.",
    "Change one thing: {new} {unit} instead of {old}. This gives {changed}, so {words} decides {sought}. "
    "Back to {old}: {original}.",
    "Suppose {new} {unit} instead of {old}. Then {changed}, another result, so everything hangs on {words}. "
    "It was {old}, so {original}.",
)
FARTHEST = 12


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    given, changed = decisive(problem, rng)
    steps = [
        step
        for step in problem.steps
        if given.key in (step.left, step.right) or changed.values[step.key] != problem.values[step.key]
    ]
    return rng.choice(STYLES).format(
        new=changed.named(given.key).value,
        unit=given.unit,
        old=given.value,
        words=given.words,
        Words=capital(given.words),
        changed=enumeration([equation(changed, step) for step in steps]),
        result=changed.answer,
        sought=problem.steps[-1].words,
        original=enumeration(equations(problem)),
    )


def decisive(problem: Problem, rng: Random) -> tuple[Quantity, Problem]:
    """The given whose smallest change moves the answer most, and the problem with that change.

    Ours: smallest among the changes that leave all numbers easy and the answer a whole number; up or down by chance.
    """
    shifts: list[tuple[int, Quantity, Problem]] = []
    for given in problem.givens:
        for distance in range(1, FARTHEST + 1):
            either = [problem.with_givens({given.key: given.value + d}) for d in (distance, -distance)]
            changed = [one for one in either if fits(one) and one.answer != problem.answer]
            if changed:
                chosen = rng.choice(changed)
                shifts.append((abs(int(chosen.answer) - int(problem.answer)), given, chosen))
                break
    assert shifts, f"{problem.id} has no condition that can change"
    _, given, chosen = max(shifts, key=lambda shift: shift[0])
    return given, chosen
