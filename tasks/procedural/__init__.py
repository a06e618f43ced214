"""Word problems of one or two steps, made rather than collected: a story's numbers change, and its solution with them.

`problems(split, family)` are the problems the suites and the embedded teacher use; `generate(split, family, n)` gives
as many as one likes.
"""

from offbook.tasks.procedural.families import FAMILIES
from offbook.tasks.procedural.generate import SPLITS, generate
from offbook.tasks.procedural.problem import Problem, Quantity, Step, evaluate

SIZES = {"train": 160, "dev": 20, "test": 40}

__all__ = ["FAMILIES", "SIZES", "SPLITS", "Problem", "Quantity", "Step", "evaluate", "generate", "problems"]


def problems(split: str, family: str) -> list[Problem]:
    """The problems of a family and split, as many as `SIZES` says.

    Raises:
        ValueError: an unknown split or family.
    """
    return generate(split, family, SIZES.get(split, 0))
