"""A trained drafter on disk: `model.safetensors` and a `config.json` that names the target it was made for.

Tensor names are those of the public EAGLE and Jakiro checkpoints; embedding and head are the target's and are
not stored. `draft_token_ids` are the target ids of the draft vocabulary.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_network import DraftConfig, DraftNetwork
from offbook.engine.training.architecture import Architectures

SCHEMA_VERSION = 1
TOKEN_IDS = "draft_token_ids"


@dataclass(frozen=True, kw_only=True)
class TargetName:
    """Which model a drafter belongs to: its name, and the hash of its weights that decides."""

    name: str
    weights_sha256: str


@dataclass(frozen=True, kw_only=True)
class LoadedDrafter:
    """A network ready to draft, its head, and what `config.json` says about both."""

    network: DraftNetwork
    head: DraftHead
    config: Mapping[str, Any]

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(p.numel() for p in self.network.parameters())


def draft_config(backbone: Backbone) -> DraftConfig:
    """Sizes of a draft layer for this target."""
    c = backbone.config
    rope = getattr(c, "rope_parameters", None) or {}
    heads = int(c.num_attention_heads)
    return DraftConfig(
        hidden_size=int(c.hidden_size),
        intermediate_size=int(c.intermediate_size),
        num_attention_heads=heads,
        num_key_value_heads=int(getattr(c, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(c, "head_dim", None) or c.hidden_size // heads),
        rms_norm_eps=float(c.rms_norm_eps),
        rope_theta=float(rope.get("rope_theta", 10000.0)),
    )


def save_drafter(
    folder: Path,
    network: DraftNetwork,
    token_ids: torch.Tensor,
    *,
    architecture: str,
    target: TargetName,
    vocab_size: int,
    training: Mapping[str, Any],
) -> None:
    """Writes the checkpoint; `config.json` comes last, so a folder that has one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    tensors[TOKEN_IDS] = token_ids.cpu()
    temporary = folder / ".model.tmp"
    save_file(tensors, temporary)
    temporary.replace(folder / "model.safetensors")
    config = {
        "schema_version": SCHEMA_VERSION,
        "architecture": architecture,
        "target": asdict(target),
        "vocab_size": vocab_size,
        "draft_vocab_size": int(token_ids.shape[0]),
        "layer": asdict(network.config),
        "training": dict(training),
    }
    temporary = folder / ".config.tmp"
    temporary.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(folder / "config.json")


def load_drafter(
    folder: Path,
    backbone: Backbone,
    architectures: Architectures,
    *,
    target: TargetName | None = None,
    base: TargetName | None = None,
) -> LoadedDrafter:
    """Reads a checkpoint for this target.

    Args:
        folder: where `save_drafter` wrote.
        backbone: the target in memory.
        architectures: known architectures by name.
        target: name and hash of the model in memory; None skips the comparison of hashes.
        base: another model whose drafters are taken too: the one from which the model in memory was distilled.

    Raises:
        ValueError: not a checkpoint, an unknown architecture, another vocabulary, width or target.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file() or not (folder / "model.safetensors").is_file():
        msg = (
            f"{folder}: expected a drafter (config.json and model.safetensors), found none; make one with "
            f"`offbook train-drafter`"
        )
        raise ValueError(msg)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        version, name, made_for = config["schema_version"], config["architecture"], TargetName(**config["target"])
        layer, vocab_size = DraftConfig(**config["layer"]), config["vocab_size"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        msg = f"{folder}/config.json: expected a drafter's config, got {error!r}; train it anew"
        raise ValueError(msg) from error
    if version != SCHEMA_VERSION:
        msg = f"{folder}: expected checkpoint schema {SCHEMA_VERSION}, got {version}; update offbook"
        raise ValueError(msg)
    if name not in architectures:
        msg = f"{folder}: expected one of {', '.join(sorted(architectures))}, got a drafter {name!r}; check the path"
        raise ValueError(msg)
    embedding = backbone.embedding_VH
    if vocab_size != embedding.shape[0] or layer.hidden_size != embedding.shape[1]:
        msg = (
            f"{folder}: expected a drafter for vocabulary {embedding.shape[0]} and width {embedding.shape[1]}, got one "
            f"for {vocab_size} and {layer.hidden_size} ({made_for.name}); train one for this target"
        )
        raise ValueError(msg)
    welcome = [model.weights_sha256 for model in (target, base) if model is not None]
    if target is not None and made_for.weights_sha256 not in welcome:
        msg = (
            f"{folder}: expected a drafter for {target.name} ({target.weights_sha256[:12]}), got one trained for "
            f"{made_for.name} ({made_for.weights_sha256[:12]}); train one for this target"
        )
        raise ValueError(msg)
    network = architectures[name].build(layer)
    try:
        tensors = load_file(folder / "model.safetensors")
        token_ids = tensors.pop(TOKEN_IDS)
        network.load_state_dict(tensors, strict=True)
    except (SafetensorError, KeyError, RuntimeError) as error:
        problem = str(error).splitlines()[0]
        msg = f"{folder}/model.safetensors: expected the tensors of {name!r}, got {problem}; train it anew"
        raise ValueError(msg) from error
    network.to(device=embedding.device, dtype=embedding.dtype).requires_grad_(requires_grad=False)
    return LoadedDrafter(network=network.eval(), head=DraftHead(backbone.head_VH, token_ids), config=config)
