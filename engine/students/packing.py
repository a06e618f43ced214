"""Packing: several questions in one forward and one backward pass, so that what a pass costs once is paid once.

    a step's questions      q1 q2 q3 | q4 q5 | q6 q7 q8 ...       as they come, each pack of at most `ROWS` rows
    a pack                  one row of prompts with their branches (`branches.py`), one loss: the sum over its questions

A pass makes the gradient of every weight once, however much it reads, and products of few rows are slow ones. The sum
is that of one question at a time, rounded otherwise. Memory is that of `ROWS` rows, or of a question that alone has
more. A method that can be read so says how (`objective.PackedLoss`); any other is read question by question.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

ROWS = 1024

T = TypeVar("T")


def packs(items: Sequence[T], rows: Callable[[T], int], *, most: int = ROWS) -> list[list[T]]:
    """The items in their order, as many in a pack as have no more rows together than `most`, and at least one.

    Args:
        items: questions or the like.
        rows: how many of them a forward pass reads of an item.
        most: of a pack.
    """
    found: list[list[T]] = []
    held = 0
    for item in items:
        size = rows(item)
        if found and held + size <= most:
            found[-1].append(item)
            held += size
        else:
            found.append([item])
            held = size
    return found
