"""The folder of a published draft model: a config and its weights, read without running anything.

    EAGLE, Jakiro    config.json, and model.safetensors or pytorch_model.bin
    Medusa           config.json, and medusa_lm_head.safetensors or medusa_lm_head.pt
    Hydra            config.json, and hydra_lm_head.safetensors or hydra_lm_head.pt

In place of model.safetensors or pytorch_model.bin there may be several files, with their index.

Heads may also lie among the tensors of a whole model (Medusa-2), in one file or several: where safetensors or an index
say what lies where, they alone are taken, and the embedding, which tells whose they are; of the others the names.
`.bin` and `.pt` are pickles: torch's reader of tensors takes them, which builds nothing else. Other files, such as the
copy of the target's head that trainers leave (`*_1.*`), are left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from offbook.engine.files import file_sha256
from offbook.engine.quoting import quoted, quoted_path
from offbook.engine.tensor_file import read_tensors, tensor_names
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
# What may say which tensors lie where, and the pickle of all, which says nothing; of several the first.
LISTS = (INDICES[0], WEIGHTS[0][0], WEIGHTS[0][1], INDICES[1])
REMEDY = "download it again"
HEADS, EMBEDDING = "medusa_head.", "model.embed_tokens.weight"  # of a whole model
MODEL = ("model.", "transformer.", "gpt_neox.")  # of whole models, and of no draft that is read


@dataclass(frozen=True, kw_only=True)
class PublishedDraft:
    """What lies in such a folder.

    Attributes:
        folder: of the draft model.
        weights: name of the file of weights, or of the index of several.
        config: what `config.json` says.
        tensors: by the authors' names, on the CPU.
        files: SHA-256 of all files that were read, by name.
        others: names of the tensors beside them, which are not read: of a whole model.
    """

    folder: Path
    weights: str
    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    files: Mapping[str, str]
    others: Sequence[str] = ()

    @property
    def place(self) -> str:
        """The file of weights, for messages."""
        return str(self.folder / self.weights)

    @property
    def made_for(self) -> str | None:
        """The name of the target in its config, where there is one: Medusa's has it, and that of speculators."""
        named: Any = self.config.get("base_model_name_or_path")
        inner: Any = self.config
        for key in ("speculators_config", "verifier", "name_or_path"):
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        found = inner if named is None else named
        return found if isinstance(found, str) and found.strip() else None


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
    listing = next((name for name in LISTS if (folder / name).is_file()), WEIGHTS[0][1])
    whole = _spread(folder / listing)
    model = any(key.startswith(HEADS) for key in whole)
    places = {key: place for key, place in whole.items() if not model or key.startswith(HEADS) or key == EMBEDDING}
    name = listing if places else _weights_of(folder)
    config = read_json(folder / CONFIG, what="a draft model's config", remedy=REMEDY)
    if not isinstance(config, dict):
        msg = f"{folder / CONFIG}: expected a draft model's config, got {quoted(config)}; {REMEDY}"
        raise ValueError(msg)
    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(set(places.values())):
        tensors |= _read(folder / file, [key for key, place in places.items() if place == file])
    if not places:
        tensors = _read(folder / name)
    files = {file: file_sha256(folder / file) for file in sorted({CONFIG, name, *places.values()})}
    others = tuple(sorted(whole.keys() - places.keys()))
    return PublishedDraft(folder=folder, weights=name, config=config, tensors=tensors, files=files, others=others)


def _spread(listing: Path) -> dict[str, str]:
    """The file of each tensor of a whole model with heads, or of a draft model in several files; empty of any other.

    Args:
        listing: one of `LISTS`, which need not be there.

    Raises:
        ValueError: a damaged file, or an index that names one elsewhere.
    """
    several = listing.name in INDICES
    if several:
        told = read_json(listing, what="an index of weights", remedy=REMEDY)
        places = told.get("weight_map") if isinstance(told, dict) else None
    else:
        names = tensor_names(listing, remedy=REMEDY) if listing.suffix == ".safetensors" else []
        places = dict.fromkeys(names, listing.name)
    if not isinstance(places, dict):
        return {}
    model = any(key.startswith(HEADS) for key in places)
    if not model and (not several or any(key.startswith(MODEL) for key in places)):
        return {}
    if odd := [place for place in places.values() if not isinstance(place, str) or Path(place).name != place]:
        msg = f"{listing}: expected names of files beside it, got {quoted(odd[0])}; {REMEDY}"
        raise ValueError(msg)
    return places


def _weights_of(folder: Path) -> str:
    kinds = [[name for name in names if (folder / name).is_file()] for names in WEIGHTS]
    found = [names[0] for names in kinds if names]
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{folder}: expected one draft model, got {' and '.join(found)}; move the others out of this folder"
        raise ValueError(msg)
    if index := next((name for name in INDICES if (folder / name).is_file()), None):
        msg = f"{folder}: expected a draft model's weights, got {index} of a whole model or of nothing; check the path"
        raise ValueError(msg)
    wanted = ", ".join(name for names in WEIGHTS for name in names)
    msg = f"{quoted_path(folder)}: expected a draft model's weights (one of {wanted}), found none; check the path"
    raise ValueError(msg)


def _read(path: Path, only: Sequence[str] | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a file, or of these names alone.

    Raises:
        ValueError: it is damaged, holds anything else, or lacks one of them.
    """
    if path.suffix == ".safetensors":
        return read_tensors(path, remedy=REMEDY, only=only)[0]
    found = _read_pickled(path)
    if missing := [name for name in only or () if name not in found]:
        msg = f"{path}: expected {quoted(missing[0])}, as its index says, got a file without it; {REMEDY}"
        raise UnusableError(msg, path)
    return found if only is None else {name: found[name] for name in only}


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
