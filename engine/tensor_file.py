"""Tensors with words beside them: one safetensors file, whole or absent, in which nothing can be run.

Whatever is wrong with a file is said in one line that names it and what to do.
"""

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from offbook.engine.files import atomic_path
from offbook.engine.unusable import UnusableError

SEAL = "sha256"  # among the words of a file that has one


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], words: Mapping[str, str] | None = None, *, sealed: bool = False
) -> None:
    """Writes tensors and `words` (the file's metadata) to `path`.

    Tensors may lie on any device and share memory: a copy of each is written.

    Args:
        path: of the file.
        tensors: by name.
        words: beside them.
        sealed: whether the hash of all of it stands among the words, for a file whose own nobody else keeps.

    Raises:
        OSError: the file cannot be written; it names the path.
    """
    own = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    told = dict(words or {})
    if sealed:
        told[SEAL] = _digest(own, told)
    with atomic_path(path) as temporary:
        save_file(own, temporary, told or None)


def tensor_names(path: Path, *, remedy: str) -> list[str]:
    """The names of a file's tensors, of which none is read; see `read_tensors`.

    Raises:
        UnusableError: there is no such file, or it is damaged.
    """
    with _opened(path, remedy) as file:
        return list(file.keys())


def read_tensors(
    path: Path, *, remedy: str, sealed: bool = False, only: Collection[str] | None = None
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All tensors of a file, on the CPU, and its words.

    Args:
        path: a safetensors file.
        remedy: what the user does about a file that is damaged, such as "delete it to start anew".
        sealed: whether it was written so.
        only: names of those that are wanted; None for all.

    Raises:
        UnusableError: there is no such file, it is damaged, or it holds something else than was sealed.
    """
    with _opened(path, remedy) as file:
        words = dict(file.metadata() or {})
        tensors = {name: file.get_tensor(name) for name in (file.keys() if only is None else only)}
    if sealed and words.pop(SEAL, "none") != (found := _digest(tensors, words)):
        msg = f"{path}: expected what it was sealed with, got tensors of SHA-256 {found[:12]}; {remedy}"
        raise UnusableError(msg, path)
    return tensors, words


@contextlib.contextmanager
def _opened(path: Path, remedy: str) -> Iterator[Any]:
    """The reader of a file.

    Raises:
        UnusableError: there is no such file, or it turns out to be damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        msg = f"{path}: expected whole safetensors, got a damaged file or none ({problem:.200}); {remedy}"
        raise UnusableError(msg, path) from error


def _digest(tensors: Mapping[str, torch.Tensor], words: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(words), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
