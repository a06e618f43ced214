"""Tables that trainings of one base model and corpus share: made once, read after that, with what they cost."""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save

from offbook.engine.files import atomic_write_bytes

WALL_S = "wall_s"


class Table(NamedTuple):
    """A tensor, and the seconds it took whoever made it."""

    values: torch.Tensor
    wall_s: float


def read_table(path: Path) -> Table | None:
    """The table at `path`; None where there is none yet."""
    if not path.is_file():
        return None
    with safe_open(path, "pt") as file:
        return Table(file.get_tensor("values"), float(file.metadata()[WALL_S]))


def write_table(path: Path, table: Table) -> None:
    """Keeps a table, whole or not at all."""
    atomic_write_bytes(path, save({"values": table.values}, metadata={WALL_S: repr(table.wall_s)}))
