"""One module a perspective, each with `render(problem, rng)`: the rationale of a problem without its answer line."""

from collections.abc import Callable
from random import Random

from offbook.tasks.procedural import Problem
from offbook.tasks.rationales.renderers import (
    analogy,
    contrastive,
    counterfactual,
    decomposition,
    formal_symbolic,
    intuitive,
    planning,
    socratic,
)

RENDERERS: dict[str, Callable[[Problem, Random], str]] = {
    "formal_symbolic": formal_symbolic.render,
    "intuitive": intuitive.render,
    "decomposition": decomposition.render,
    "planning": planning.render,
    "analogy": analogy.render,
    "socratic": socratic.render,
    "contrastive": contrastive.render,
    "counterfactual": counterfactual.render,
}
