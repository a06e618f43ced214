"""Tensors with words beside them: one safetensors file, whole or absent, in which nothing can be run.

Whatever is wrong with a file is said in one line that names it and what to do.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from offbook.engine.files import atomic_path


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], words: Mapping[str, str] | None = None) -> None:
    """Writes tensors and `words` (the file's metadata) to `path`.

    Tensors may lie on any device and share memory: a copy of each is written.

    Raises:
        OSError: the file cannot be written; it names the path.
    """
    own = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(own, temporary, dict(words) if words else None)


def read_tensors(path: Path, *, remedy: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All tensors of a file, on the CPU, and its words.

    Args:
        path: a safetensors file.
        remedy: what the user does about a file that is damaged, such as "delete it to start anew".

    Raises:
        ValueError: there is no such file, or it is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            words = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, dict(words)  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        msg = f"{path}: expected whole safetensors, got a damaged file or none ({problem:.200}); {remedy}"
        raise ValueError(msg) from error
