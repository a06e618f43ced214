"""Kinds of numbers that several settings take, and what they may be."""

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

Number = Annotated[int, Ge(1)]  # of documents, tokens, questions, processes
Seed = Annotated[int, Ge(0)]
Temperature = Annotated[float, Ge(0)]
TopK = Annotated[int, Ge(0)]
TopP = Annotated[float, Gt(0), Le(1)]
Between = Annotated[float, Gt(0), Lt(1)]  # on the way from one thing to another, neither of them

EXAM_TOKENS = 128  # cap on an answer in an exam, and to a development question
EXAM_BATCH = 64  # documents of an exam answered at once
