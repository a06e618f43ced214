"""Questions out of distribution: none is a word problem, none is trained on, each names the answers to choose from.

`questions(split, family)` are those the suites use; `generate(split, family, n)` gives as many as one likes.
"""

from offbook.tasks.procedural.ood.generate import FAMILIES, SPLITS, generate
from offbook.tasks.procedural.ood.question import Question

SIZES = {"dev": 20, "test": 30}

__all__ = ["FAMILIES", "SIZES", "SPLITS", "Question", "generate", "questions"]


def questions(split: str, family: str) -> list[Question]:
    """The questions of a family and split, as many as `SIZES` says.

    Raises:
        ValueError: an unknown split or family.
    """
    return generate(split, family, SIZES.get(split, 0))
