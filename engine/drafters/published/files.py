"""The folder of a published draft model: a config and one file of weights, read without running anything.

    EAGLE, Jakiro    config.json, and model.safetensors or pytorch_model.bin
    Medusa           config.json, and medusa_lm_head.safetensors or medusa_lm_head.pt
    Hydra            config.json, and hydra_lm_head.safetensors or hydra_lm_head.pt

`.bin` and `.pt` are pickles: torch's reader of tensors takes them, which builds nothing else. Other files, such as the
copy of the target's head that trainers leave (`*_1.*`), are left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from offbook.engine.files import file_sha256
from offbook.engine.quoting import quoted, quoted_path
from offbook.engine.tensor_file import read_tensors
from offbook.engine.text import read_json
from offbook.engine.unusable import UnusableError

CONFIG = "config.json"
# A kind a row; where both spellings lie there, the first is read.
WEIGHTS = (
    ("model.safetensors", "pytorch_model.bin"),
    ("medusa_lm_head.safetensors", "medusa_lm_head.pt"),
    ("hydra_lm_head.safetensors", "hydra_lm_head.pt"),
)
INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
REMEDY = "download it again"


@dataclass(frozen=True, kw_only=True)
class PublishedDraft:
    """What lies in such a folder.

    Attributes:
        folder: of the draft model.
        weights: name of the file of weights.
        config: what `config.json` says.
        tensors: by the authors' names, on the CPU.
        files: SHA-256 of both files, by name.
    """

    folder: Path
    weights: str
    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    files: Mapping[str, str]

    @property
    def place(self) -> str:
        """The file of weights, for messages."""
        return str(self.folder / self.weights)


def read_published(folder: Path) -> PublishedDraft:
    """Reads a folder.

    Raises:
        ValueError: there is no draft model, or more than one, or a file is damaged or no file of tensors.
    """
    try:
        found = None if folder.is_dir() else "a file" if folder.exists() else "no such folder"
    except OSError as error:  # a name too long
        found = error.strerror
    if found is not None:
        msg = f"{quoted_path(folder)}: expected the folder of a draft model, got {found}; check the path"
        raise ValueError(msg)
    name = _weights_of(folder)
    config = read_json(folder / CONFIG, what="a draft model's config", remedy=REMEDY)
    if not isinstance(config, dict):
        msg = f"{folder / CONFIG}: expected a draft model's config, got {quoted(config)}; {REMEDY}"
        raise ValueError(msg)
    path = folder / name
    tensors = read_tensors(path, remedy=REMEDY)[0] if path.suffix == ".safetensors" else _read_pickled(path)
    files = {file: file_sha256(folder / file) for file in (CONFIG, name)}
    return PublishedDraft(folder=folder, weights=name, config=config, tensors=tensors, files=files)


def _weights_of(folder: Path) -> str:
    kinds = [[name for name in names if (folder / name).is_file()] for names in WEIGHTS]
    found = [names[0] for names in kinds if names]
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{folder}: expected one draft model, got {' and '.join(found)}; move the others out of this folder"
        raise ValueError(msg)
    if index := next((name for name in INDICES if (folder / name).is_file()), None):
        msg = f"{folder}: expected a draft model's weights in one file, got {index}, as a whole model's; check the path"
        raise ValueError(msg)
    wanted = ", ".join(name for names in WEIGHTS for name in names)
    msg = f"{quoted_path(folder)}: expected a draft model's weights (one of {wanted}), found none; check the path"
    raise ValueError(msg)


def _read_pickled(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a pickle.

    Raises:
        ValueError: it is damaged, or holds anything else.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes may lead its reader to any; what it advises is to trust the file
        msg = (
            f"{path}: expected a whole file of tensors and nothing else, got one that torch does not read as such "
            f"({type(error).__name__}); {REMEDY}, or convert it to safetensors"
        )
        raise UnusableError(msg, path) from error
    if not isinstance(found, dict):
        msg = f"{path}: expected tensors by name, got {type(found).__name__}; {REMEDY}"
        raise UnusableError(msg, path)
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor) or not _is_whole(tensor):
            msg = f"{path}: expected plain tensors by name, got something else under {quoted(name)}; {REMEDY}"
            raise UnusableError(msg, path)
    return found


def _is_whole(tensor: torch.Tensor) -> bool:
    """Whether all numbers of a tensor are in the file: a stride of 0 makes a thousand of one, `meta` has none."""
    plain = tensor.layout is torch.strided and tensor.device.type == "cpu"
    return plain and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
