"""Tensors that take minutes to make, kept in files named by the hash of what determines them, whole or absent."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from offbook.engine.tensor_file import read_tensors, write_tensors


def remembered(
    folder: Path, name: str, determined_by: Any, make: Callable[[], Mapping[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """The tensors of an earlier call, or those that `make` returns, which are then kept.

    Args:
        folder: where the files lie.
        name: begins the file's name.
        determined_by: anything JSON can hold.
        make: makes the tensors.

    Raises:
        ValueError: the file is damaged.
    """
    digest = hashlib.sha256(json.dumps(determined_by, sort_keys=True).encode()).hexdigest()
    path = folder / f"{name}-{digest[:16]}.safetensors"
    if not path.is_file():
        write_tensors(path, make(), sealed=True)
    return read_tensors(path, remedy="delete it, and it is made anew", sealed=True)[0]
