"""Questions to oneself, from what is sought back to what is known."""

from random import Random

from offbook.tasks.procedural import Problem
from offbook.tasks.rationales.renderers.phrases import capital, enumeration, equation, listing

STYLES = (
    "What is sought? {Sought}. What do I need for it? {Between}. Do I know that? No, but I can find it: {one} {unit}. "
    "Does that settle it? Yes: {two}.",
    "What do I want to know? {Sought}. Can I get it at once? Not before I know {between}. How large is that? {one}. "
    "And what follows? {two} {end}.",
    "Which quantity is asked for? {Sought}. On what does it depend? On {parts}. Which of them is unknown? {Between}: "
    "{one}. So what comes out? {two}.",
)
ONE_STEP_STYLES = (
    "What is sought? {Sought}. What do I know? {known}. What must I do with them? {Way}: {only} {unit}.",
    "What do I want to know? {Sought}. What is it made from? {Parts}. And what follows? {only} {unit}.",
    "Which quantity is asked for? {Sought}. On what does it depend? On {parts}. So what comes out? {only}.",
)
VERBS = {"+": "Add", "-": "Subtract", "*": "Multiply", "/": "Divide"}


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    if len(problem.steps) == 1:
        return _one_step(problem, rng)
    first, last = problem.steps
    return rng.choice(STYLES).format(
        Sought=capital(last.words),
        Between=capital(first.words),
        between=first.words,
        parts=enumeration([problem.named(key).words for key in (last.left, last.right)]),
        one=equation(problem, first),
        two=equation(problem, last),
        unit=first.unit,
        end=last.unit,
    )


def _one_step(problem: Problem, rng: Random) -> str:
    (step,) = problem.steps
    parts = enumeration([problem.named(key).words for key in (step.left, step.right)])
    return rng.choice(ONE_STEP_STYLES).format(
        Sought=capital(step.words),
        known=listing(problem.givens),
        Way=VERBS[step.op],
        parts=parts,
        Parts=capital(parts),
        only=equation(problem, step),
        unit=step.unit,
    )
