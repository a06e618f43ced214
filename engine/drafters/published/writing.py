"""A drafter of offbook's in the layout in which others publish theirs: the way back from the readers beside.

    model.safetensors    the tensors under the authors' names, numbers and formats as they are; EAGLE-3's with d2t, t2d
    config.json          sizes as the authors' readers ask for them, and EAGLE-3's states as vLLM reads them

What was written is read again, by the readers beside, before anybody gets it: it has to give the same network, the same
vocabulary and the same states, so that who takes it over drafts as the original does. How it was trained has no place
in these layouts. Medusa's heads are not written: the accuracies that shape their tree have no place either.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.checkpoint import layer_of
from offbook.engine.drafters.draft_tensors import TOKEN_IDS, checked_ids
from offbook.engine.drafters.published.eagle import EAGLE, EXPERTS, JAKIRO
from offbook.engine.drafters.published.eagle3 import EAGLE3, IDS, NORMED
from offbook.engine.drafters.published.files import CONFIG, WEIGHTS, read_published
from offbook.engine.drafters.published.formats import recognised
from offbook.engine.drafters.published.reading import TargetShape
from offbook.engine.files import atomic_files, atomic_write_text
from offbook.engine.resuming.seal import broken
from offbook.engine.tensor_file import write_tensors

Sizes = Callable[["Network"], dict[str, Any]]
FILE = WEIGHTS[0][0]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A drafter as it is to be read again.

    Attributes:
        layer: its sizes.
        tensors: by the names that are offbook's and the authors'.
        token_ids: the draft vocabulary, ascending ids of the target.
        vocab_size: of the target.
    """

    layer: DraftConfig
    tensors: Mapping[str, torch.Tensor]
    token_ids: torch.Tensor
    vocab_size: int

    @property
    def whole(self) -> bool:
        """Whether it drafts from all of the target's vocabulary."""
        return len(self.token_ids) == self.vocab_size


def write_published(drafter: Path, config: Mapping[str, Any], folder: Path, *, format_name: str) -> None:
    """Writes the folder; an earlier export in it is replaced.

    Args:
        drafter: folder of a trained drafter.
        config: what its `config.json` says; see `checkpoint.read_config`.
        folder: becomes the draft model.
        format_name: one of `WRITTEN`.

    Raises:
        ValueError: a damaged drafter, or one that the layout has no place for.
        OSError: it cannot be written; it names the path.
    """
    if (problem := broken(drafter / CONFIG)) is not None:
        msg = f"{drafter}: expected a drafter as it was written, got another: {problem}; train it anew"
        raise ValueError(msg)
    network = _read(drafter, config)
    tensors = dict(network.tensors)
    if format_name == EAGLE3:
        tensors |= _vocabulary(network)
    with atomic_files(folder) as temporary:
        write_tensors(temporary / FILE, tensors)
        text = json.dumps(WRITTEN[format_name](network), indent=2, sort_keys=True, allow_nan=False) + "\n"
        atomic_write_text(temporary / CONFIG, text)
        _check(temporary, network, format_name, drafter)


def _read(drafter: Path, config: Mapping[str, Any]) -> Network:
    try:
        tensors = load_file(drafter / FILE)
        ids = checked_ids(tensors.pop(TOKEN_IDS), config["vocab_size"], config["draft_vocab_size"])
        return Network(layer=layer_of(config["layer"]), tensors=tensors, token_ids=ids, vocab_size=config["vocab_size"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        msg = f"{drafter}: expected a trained drafter, got {' '.join(str(error).split()):.200}; train it anew"
        raise ValueError(msg) from error


def _check(folder: Path, network: Network, format_name: str, drafter: Path) -> None:
    """Reads it as anybody would who takes it over.

    Raises:
        ValueError: it is another one then.
    """
    layer = network.layer
    why: ValueError | None = None
    changes: dict[str, Any] = {"draft_vocab_size": layer.draft_vocab_size}
    if format_name == EAGLE3:  # whose fusion has no bias, whatever the sizes say
        changes["bias"] = layer.bias
    shape = TargetShape(layer=layer, vocab_size=network.vocab_size, num_layers=max(1, *(tap + 1 for tap in layer.taps)))
    try:
        draft = read_published(folder)
        known = recognised(draft)
        assert known.read is not None
        found = known.read(draft, shape)
        read = replace(found.layer, taps=found.taps, **changes)
        same = known.name == format_name and read == layer and torch.equal(found.token_ids, network.token_ids)
        same = same and found.tensors.keys() == network.tensors.keys()
        same = same and all(torch.equal(found.tensors[name], network.tensors[name]) for name in network.tensors)
    except ValueError as error:  # whose remedies are for files of others
        same, why = False, error
    if not same:
        msg = (
            f"{drafter}: expected a drafter that the layout of {format_name} has a place for, got one that would be "
            "read as another network; give its folder as it is to whoever has offbook"
        )
        raise ValueError(msg) from why


def _sizes(network: Network) -> dict[str, Any]:
    """What every format says of its layer."""
    layer, scaling = network.layer, network.layer.rope_scaling
    # Engines read `rope_type`, the readers of EAGLE and Jakiro the older `type`.
    scaled = {} if scaling is None else {"rope_scaling": {**scaling.parameters, "type": scaling.kind}}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": layer.hidden_size,
        "intermediate_size": layer.intermediate_size,
        "num_attention_heads": layer.num_attention_heads,
        "num_hidden_layers": 1,
        "num_key_value_heads": layer.num_key_value_heads,
        "rms_norm_eps": layer.rms_norm_eps,
        "rope_theta": layer.rope_theta,
        **scaled,
        "tie_word_embeddings": False,
        "vocab_size": network.vocab_size,
    }


def _eagle(network: Network) -> dict[str, Any]:
    own = {} if network.whole else {TOKEN_IDS: network.token_ids.tolist()}
    # Authors' readers build the bias of the fusion unless told otherwise; to engines `bias: true` is one of attention.
    bias = {} if network.layer.bias else {"bias": False}
    return {**_sizes(network), **bias, "qkv_bias": network.layer.qkv_bias, **own}


def _jakiro(network: Network) -> dict[str, Any]:
    return {**_eagle(network), "num_local_experts": EXPERTS, "num_experts_per_tok": EXPERTS}


def _eagle3(network: Network) -> dict[str, Any]:
    layer = network.layer
    return {
        **_sizes(network),
        "architectures": ["LlamaForCausalLMEagle3"],
        "head_dim": layer.head_dim,
        "draft_vocab_size": len(network.token_ids),
        "target_hidden_size": layer.hidden_size,
        IDS: [*layer.taps],
        NORMED: layer.norm_before_residual,
    }


def _vocabulary(network: Network) -> dict[str, torch.Tensor]:
    """EAGLE-3's two tables of the draft vocabulary."""
    marked = torch.zeros(network.vocab_size, dtype=torch.bool)
    marked[network.token_ids] = True
    return {"d2t": network.token_ids - torch.arange(len(network.token_ids)), "t2d": marked}


WRITTEN: Mapping[str, Sizes] = {EAGLE: _eagle, JAKIRO: _jakiro, EAGLE3: _eagle3}
