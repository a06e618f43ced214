"""Questions to oneself, from what is sought back to what is known."""

from random import Random

from offbook.methods.mind.renderers.phrases import capital, enumeration, equation
from offbook.tasks.procedural import Problem

STYLES = (
    "What is sought? {Sought}. What do I need for it? {Between}. Do I know that? No, but I can find it: {one} {unit}. "
    "Does that settle it? Yes: {two}.",
    "What do I want to know? {Sought}. Can I get it at once? Not before I know {between}. How large is that? {one}. "
    "And what follows? {two} {end}.",
    "Which quantity is asked for? {Sought}. On what does it depend? On {parts}. Which of them is unknown? {Between}: "
    "{one}. So what comes out? {two}.",
)


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
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
