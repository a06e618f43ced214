"""What a student may forget: short questions of ten kinds that the untouched model answers, none of it a word problem.

`questions(split, family)` are those of the suites. On the families of `documents.READ` forgetting is read; those of
`documents.REPLAY` may be replayed while a student is trained.
"""

from offbook.tasks.forgetting.families import FAMILIES
from offbook.tasks.forgetting.generate import SIZES, SPLITS, questions
from offbook.tasks.forgetting.question import Question

__all__ = ["FAMILIES", "SIZES", "SPLITS", "Question", "questions"]
