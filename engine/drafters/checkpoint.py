"""A trained drafter on disk: `model.safetensors` and a `config.json` that names the target it was made for.

Tensor names are those of the public EAGLE and Jakiro checkpoints; the embedding is the target's and is not stored, nor
is the head but where a network has its own. `draft_token_ids` are the target ids of the draft vocabulary. Which hidden
states of the target a network reads stands in `layer.taps`, and no rule is asked again.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead, Head
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.rope_scaling import read_scaling
from offbook.engine.drafters.architecture import Architectures, DraftArchitecture
from offbook.engine.drafters.draft_tensors import TOKEN_IDS, check_plain, checked_ids
from offbook.engine.files import atomic_write_text
from offbook.engine.finite import check_weights
from offbook.engine.quoting import quoted
from offbook.engine.resuming.seal import sealed
from offbook.engine.tensor_file import write_tensors

SCHEMA_VERSION = 1
EPSILONS = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps", "layernorm_epsilon")
INNER_SIZES = ("intermediate_size", "ffn_hidden_size", "ffn_dim", "n_inner")
KEYS = ("schema_version", "architecture", "vocab_size")  # of every config, beside the target
SCALING = "rope_scaling"  # of a layer, where there is one


@dataclass(frozen=True, kw_only=True)
class TargetName:
    """Which model a drafter belongs to: its name, and the hash of its weights that decides."""

    name: str
    weights_sha256: str


@dataclass(frozen=True, kw_only=True)
class LoadedDrafter:
    """A network ready to draft, its head, and what `config.json` says about both."""

    network: nn.Module
    head: Head
    architecture: DraftArchitecture
    config: Mapping[str, Any]

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(p.numel() for p in self.network.parameters())


def draft_config(backbone: Backbone) -> DraftConfig:
    """Sizes of a draft layer for this target.

    Configurations differ in what they call the epsilon of their norms and the width of their feed-forward: the first
    name of `EPSILONS` and `INNER_SIZES` that has a value is taken, else 1e-6 and four times the hidden size. The rotary
    base is 10,000 where there is none, or one for each kind of layer.
    """
    c = backbone.config
    rope = getattr(c, "rope_parameters", None) or {}
    heads = int(c.num_attention_heads)
    epsilon = next((e for name in EPSILONS if (e := getattr(c, name, None)) is not None), 1e-6)
    inner = next((n for name in INNER_SIZES if isinstance(n := getattr(c, name, None), int)), 4 * c.hidden_size)
    return DraftConfig(
        hidden_size=int(c.hidden_size),
        intermediate_size=inner,
        num_attention_heads=heads,
        num_key_value_heads=int(getattr(c, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(c, "head_dim", None) or c.hidden_size // heads),
        rms_norm_eps=float(epsilon),
        rope_theta=float(rope.get("rope_theta", 10000.0)),
    )


def save_drafter(
    folder: Path,
    network: nn.Module,
    token_ids: torch.Tensor,
    *,
    layer: DraftConfig,
    architecture: str,
    target: TargetName,
    vocab_size: int,
    training: Mapping[str, Any],
    variant: Mapping[str, JsonValue] | None = None,
    imported: Mapping[str, Any] | None = None,
) -> None:
    """Writes the checkpoint; `config.json` comes last, so a folder that has one is whole.

    `training` says how it was trained, and is empty where others did; `imported` then says where it came from.

    Raises:
        OSError: it cannot be written; it names the path.
    """
    write_tensors(folder / "model.safetensors", {**network.state_dict(), TOKEN_IDS: token_ids})
    config = {
        "schema_version": SCHEMA_VERSION,
        "architecture": architecture,
        "target": asdict(target),
        "vocab_size": vocab_size,
        "draft_vocab_size": int(token_ids.shape[0]),
        "layer": _told_layer(layer),
        "training": dict(training),
        **({"variant": dict(variant)} if variant else {}),
        **({} if imported is None else {"imported": dict(imported)}),
    }
    config = sealed(config, folder / "config.json", ["model.safetensors"])
    text = json.dumps(config, indent=2, sort_keys=True, allow_nan=False) + "\n"
    atomic_write_text(folder / "config.json", text)


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
        architectures: known architectures by name, in the variant that the checkpoint names.
        target: name and hash of the model in memory; None skips the comparison of hashes.
        base: another model whose drafters are taken too: the one from which the model in memory was distilled.

    Raises:
        ValueError: not a checkpoint, an unknown architecture, another vocabulary, width, depth or target.
    """
    folder = Path(folder)
    config = read_config(folder, architectures)
    architecture, vocab_size = architectures[config["architecture"]], config["vocab_size"]
    try:
        layer = layer_of(config["layer"])
    except (ValueError, KeyError, TypeError) as error:
        raise _no_config(folder, error) from error
    embedding = backbone.embedding_VH
    if vocab_size != embedding.shape[0] or layer.hidden_size != embedding.shape[1]:
        msg = (
            f"{folder}: expected a drafter for vocabulary {embedding.shape[0]} and width {embedding.shape[1]}, got one "
            f"for {vocab_size} and {layer.hidden_size} ({config['target']['name']}); train one for this target"
        )
        raise ValueError(msg)
    states = int(backbone.config.num_hidden_layers) + 1
    if not all(-states <= tap < states for tap in layer.taps):
        msg = (
            f"{folder}: expected a drafter that reads some of the hidden states 0 to {states - 1}, got one of "
            f"{[*layer.taps]}; train one for this target"
        )
        raise ValueError(msg)
    check_target(folder, config, target=target, base=base)
    weights = folder / "model.safetensors"
    try:
        tensors = load_file(weights)
        token_ids = checked_ids(tensors.pop(TOKEN_IDS), vocab_size, config["draft_vocab_size"])
        check_plain(tensors)
        if layer.draft_vocab_size != (rows := 0 if architecture.own_head is None else len(token_ids)):
            msg = f"{layer.draft_vocab_size} rows of a head of its own where there are {rows}"
            raise ValueError(msg)
        with torch.device("meta"):  # whatever sizes the config names, no memory is asked for before they fit
            network = architecture.network(layer, tensors)
        network.load_state_dict(tensors, strict=True, assign=True)
    except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        problem = " ".join(str(error).split())
        msg = f"{weights}: expected the tensors of {architecture.name!r}, got {problem[:300]}; train it anew"
        raise ValueError(msg) from error
    check_weights(tensors.items(), str(weights), "train it anew, with a lower --learning-rate")
    network.to(device=embedding.device, dtype=embedding.dtype).requires_grad_(requires_grad=False)
    own, head_VH = architecture.own_head, backbone.head_VH
    head: Head = DraftHead(head_VH, token_ids) if own is None else own(network, token_ids.to(head_VH.device))
    return LoadedDrafter(network=network.eval(), head=head, architecture=architecture, config=config)


def read_config(folder: Path, names: Collection[str]) -> dict[str, Any]:
    """A checkpoint's config, with what all drafters have in it: schema, architecture, target and vocabulary.

    Args:
        folder: of the checkpoint.
        names: of architectures that are welcome.

    Raises:
        ValueError: not a checkpoint, or one of another architecture.
    """
    if not (folder / "config.json").is_file() or not (folder / "model.safetensors").is_file():
        msg = (
            f"{folder}: expected a drafter (config.json and model.safetensors), found none; make one with "
            f"`offbook train-drafter`"
        )
        raise ValueError(msg)
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        version, name, _ = (config[key] for key in KEYS)
        _target(config["target"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_config(folder, error) from error
    if version != SCHEMA_VERSION:
        msg = f"{folder}: expected checkpoint schema {SCHEMA_VERSION}, got {version}; update offbook"
        raise ValueError(msg)
    if not isinstance(name, str) or name not in names:
        known = ", ".join(sorted(names))
        msg = f"{folder}: expected one of {known}, got a drafter {quoted(name)}; check the path"
        raise ValueError(msg)
    return config


def check_target(
    folder: Path, config: Mapping[str, Any], *, target: TargetName | None, base: TargetName | None
) -> None:
    """Refuses a drafter of another model; see `load_drafter`.

    Raises:
        ValueError: it is one.
    """
    made_for = _target(config["target"])
    welcome = [model.weights_sha256 for model in (target, base) if model is not None]
    if target is not None and made_for.weights_sha256 not in welcome:
        msg = (
            f"{folder}: expected a drafter for {target.name} ({target.weights_sha256[:12]}), got one trained for "
            f"{made_for.name} ({made_for.weights_sha256[:12]}); train one for this target"
        )
        raise ValueError(msg)


def _no_config(folder: Path, error: Exception) -> ValueError:
    return ValueError(f"{folder}/config.json: expected a drafter's config, got {error!r}; train it anew")


def _target(found: Mapping[str, Any]) -> TargetName:
    """Whose drafter it is.

    Raises:
        TypeError: a field is missing, unknown or no text.
    """
    target = TargetName(**found)
    for field in fields(target):
        if not isinstance(value := getattr(target, field.name), str):
            msg = f"{field.name}: expected text, got {quoted(value)}"
            raise TypeError(msg)
    return target


def _told_layer(layer: DraftConfig) -> dict[str, Any]:
    """Its sizes as `layer_of` reads them; how positions are scaled stands there only where they are."""
    sizes = {name: value for name, value in asdict(layer).items() if name != SCALING}
    return sizes if layer.rope_scaling is None else {**sizes, SCALING: layer.rope_scaling.parameters}


def layer_of(found: Mapping[str, Any]) -> DraftConfig:
    """The sizes in a checkpoint's config, each of its own type, and positive.

    Raises:
        TypeError: a field is missing, unknown or of another type.
        ValueError: a number that no layer can have.
    """
    layer = DraftConfig(**found)
    if not isinstance(layer.taps, list | tuple) or not layer.taps or any(type(tap) is not int for tap in layer.taps):
        msg = f"taps: expected numbers of hidden states, got {quoted(layer.taps)}"
        raise TypeError(msg)
    layer = replace(layer, taps=tuple(layer.taps), rope_scaling=None)  # JSON has lists
    for field in (field for field in fields(layer) if field.name not in ("taps", SCALING)):
        value = getattr(layer, field.name)
        if not (type(value) is field.type or (field.type is float and type(value) is int)):
            msg = f"{field.name}: expected {getattr(field.type, '__name__', field.type)}, got {quoted(value)}"
            raise TypeError(msg)
        if field.type is not bool and value != field.default and not 0 < value < float("inf"):
            msg = f"{field.name}: expected a positive number, got {quoted(value)}"
            raise ValueError(msg)
    if layer.num_attention_heads % layer.num_key_value_heads or layer.head_dim % 2:
        msg = "expected heads in whole groups and an even head_dim"
        raise ValueError(msg)
    if (scaling := found.get(SCALING)) is None:
        return layer
    return replace(layer, rope_scaling=read_scaling(scaling, layer.head_dim, layer.rope_theta))
