"""The weights that scored best so far, in one file of a training's state."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from offbook.engine.students.companion import Companion
from offbook.engine.tensor_file import read_tensors, write_tensors
from offbook.engine.unusable import UnusableError

BEST = "best.safetensors"


def trained(student: nn.Module, companion: Companion | None) -> dict[str, nn.Parameter]:
    """All parameters that are trained, by names of which none is another's."""
    found = {name: p for name, p in student.named_parameters() if p.requires_grad}
    if companion is not None:
        found |= {f"companion/{name}": p for name, p in companion.network.named_parameters()}
    return found


def keep(parameters: Mapping[str, nn.Parameter], state: Path) -> None:
    """Writes them, whole or not at all."""
    write_tensors(state / BEST, parameters, sealed=True)


@torch.no_grad()
def restore(parameters: Mapping[str, nn.Parameter], state: Path) -> None:
    """Gives the parameters the values that were kept.

    Raises:
        ValueError: a damaged file, or one of another student.
    """
    path, remedy = state / BEST, f"delete {state} to start this training again"
    best, _ = read_tensors(path, remedy=remedy, sealed=True)
    if {name: t.shape for name, t in best.items()} != {name: p.shape for name, p in parameters.items()}:
        msg = f"{path}: expected the tensors of this student, got others; {remedy}"
        raise UnusableError(msg, path)
    for name, parameter in parameters.items():
        parameter.copy_(best[name])
