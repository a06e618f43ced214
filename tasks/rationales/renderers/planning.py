"""A plan without numbers, then its execution."""

from random import Random

from offbook.tasks.procedural import Problem
from offbook.tasks.rationales.renderers.phrases import capital, equations, instruction

STYLES = (
    ("Plan: {first} to get {between}. Then {last} to get {sought}.", "Carried out: {one}, then {two}."),
    ("To find {sought}, {first}, which gives {between}; after that, {last}.", "Doing so: {one}. Next, {two}."),
    ("The way there: {first} for {between}, and finally {last}.", "Now with numbers: {one} and {two}."),
)
ONE_STEP_STYLES = (
    ("Plan: {only} to get {sought}.", "Carried out: {one}."),
    ("To find {sought}, {only}.", "Doing so: {one}."),
    ("The way there: {only}; that is {sought}.", "Now with numbers: {one}."),
)


def render(problem: Problem, rng: Random) -> str:
    """The rationale without its answer line."""
    if len(problem.steps) == 1:
        return _one_step(problem, rng)
    plan, execution = rng.choice(STYLES)
    first, last = problem.steps
    one, two = equations(problem)
    plan = plan.format(
        first=instruction(problem, first),
        between=first.words,
        last=instruction(problem, last).replace(first.words, "that", 1)
        if rng.randrange(2)
        else instruction(problem, last),
        sought=last.words,
    )
    return f"{capital(plan)}\n{execution.format(one=one, two=two)}"


def _one_step(problem: Problem, rng: Random) -> str:
    (step,) = problem.steps
    plan, execution = rng.choice(ONE_STEP_STYLES)
    plan = plan.format(only=instruction(problem, step), sought=step.words)
    return f"{capital(plan)}\n{execution.format(one=equations(problem)[0])}"
