"""Tables that trainings of one base model and corpus share: made once, read after that, with what they cost."""

import math
from pathlib import Path
from typing import NamedTuple

import torch

from offbook.engine.tensor_file import read_tensors, write_tensors

WALL_S = "wall_s"


class Table(NamedTuple):
    """A tensor, and the seconds it took whoever made it."""

    values: torch.Tensor
    wall_s: float


def read_table(path: Path, shape: tuple[int, ...]) -> Table | None:
    """The table at `path`; None where there is none yet.

    Raises:
        ValueError: the file is damaged, or holds another table than one of this shape.
    """
    if not path.is_file():
        return None
    remedy = "delete it, and it is made anew"
    tensors, words = read_tensors(path, remedy=remedy, sealed=True)
    values = tensors.get("values")
    if tensors.keys() != {"values"} or values is None or values.shape != shape or not values.is_floating_point():
        found = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items()) or "nothing"
        msg = f"{path}: expected a table of shape {shape}, got {found:.80}; {remedy}"
        raise ValueError(msg)
    try:
        wall_s = float(words.get(WALL_S, ""))
    except ValueError:
        wall_s = math.nan
    if not 0 <= wall_s < math.inf:
        msg = f"{path}: expected the seconds it took, got {words.get(WALL_S)!r:.40}; {remedy}"
        raise ValueError(msg)
    return Table(values, wall_s)


def write_table(path: Path, table: Table) -> None:
    """Keeps a table, whole or not at all."""
    write_tensors(path, {"values": table.values}, {WALL_S: repr(table.wall_s)}, sealed=True)
