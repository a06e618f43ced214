"""A model's layout, by name or by what the machine and the weights allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from pydantic import JsonValue

from offbook.engine.decoding.layouts.check import check_layout
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.engine.decoding.layouts.packed import PackedLayout
from offbook.engine.decoding.layouts.prepacked import prepacked_layout
from offbook.engine.machine import available_bytes
from offbook.engine.quoting import quoted

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A layout, and what the manifest says of it."""

    layout: Layout
    facts: Mapping[str, JsonValue]


def choose_layout(name: str, model: "PreTrainedModel", plain: Layout) -> Chosen:
    """The layout of this name, held against the plain one.

    "auto" is prepacked for fp32 weights on a CPU, where memory has room for another copy of them, and transformers
    elsewhere.

    Raises:
        ValueError: an unknown name, a layout that this model, its dtype or this machine does not allow, or one that
            does not say what the plain one says.
    """
    check_name(name)
    if name == AUTO:
        reason = _no_copy(model)
        if reason is None:
            try:
                return _chosen("prepacked", model, plain)
            except ValueError as error:  # a model on whose layers the products cannot be exchanged
                reason = str(error)
        return Chosen(layout=plain, facts={**plain_facts(model, plain), "not_prepacked": reason})
    return _chosen(name, model, plain)


def plain_facts(model: "PreTrainedModel", layout: Layout) -> dict[str, JsonValue]:
    """What is known of any layout: its name, and the bytes of all linear maps, which a step reads."""
    linears = [module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)]
    return {"layout": layout.name, "bytes_read": sum(weight.numel() * weight.element_size() for weight in linears)}


def check_name(name: str) -> None:
    """Refuses what is no layout.

    Raises:
        ValueError: neither "auto" nor one of `LAYOUTS`.
    """
    if name not in (AUTO, *LAYOUTS):
        msg = f"expected --layout to be {AUTO} or one of {', '.join(LAYOUTS)}, got {quoted(name)}"
        raise ValueError(msg)


def _chosen(name: str, model: "PreTrainedModel", plain: Layout) -> Chosen:
    if name == plain.name:
        return Chosen(layout=plain, facts=plain_facts(model, plain))
    if not _fits(model):
        dtype = str(model.dtype).removeprefix("torch.")
        msg = (
            f"expected a model in float32 on a CPU for --layout {name}, got {dtype} on {model.device.type}; take "
            "--layout transformers"
        )
        raise ValueError(msg)
    layout = PackedLayout(model) if name == "packed" else prepacked_layout(model, plain)
    config = model.config.get_text_config()
    difference = check_layout(
        layout,
        plain,
        layers=int(config.num_hidden_layers),
        vocab_size=int(config.vocab_size),
        positions=int(config.max_position_embeddings),
    )
    facts: dict[str, JsonValue] = {
        **plain_facts(model, layout),
        **layout.facts,
        "largest_difference": float(f"{difference:.2g}"),
    }
    return Chosen(layout=layout, facts=facts)


def _fits(model: "PreTrainedModel") -> bool:
    return bool(model.device.type == "cpu" and model.dtype == torch.float32)


def _no_copy(model: "PreTrainedModel") -> str | None:
    """Why "auto" leaves the weights as they are; None where it does not."""
    if not _fits(model):
        return "not float32 on a CPU"
    copy, free = sum(p.numel() * p.element_size() for p in model.parameters()), available_bytes()
    if free is not None and 2 * copy > free:  # two copies at most, and nothing is pushed out
        return f"another copy of the weights takes up to {2 * copy / 2**30:.1f} GiB of {free / 2**30:.1f} that are free"
    return None
