"""A model's layout, by name or by what the machine and the weights allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from offbook.engine.available_memory import available_bytes
from offbook.engine.decoding.layouts.check import check_layout
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.decoding.layouts.names import AUTO, LAYOUTS
from offbook.engine.decoding.layouts.packed import PackedLayout
from offbook.engine.decoding.layouts.prepacked import PrepackedLlama, prepacked_layout
from offbook.engine.decoding.layouts.shape import read_shape
from offbook.engine.json_value import JsonValue
from offbook.engine.quoting import quoted
from offbook.kernels.native_library import native_available

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
        return _first_of(("prepacked",), model, plain)
    return _chosen(name, model, plain)


def choose_for_answers(model: "PreTrainedModel", plain: Layout) -> Chosen:
    """The layout in which many answers side by side take least: packed where it is to be had, else as "auto".

    Also where weights have no small form and stay fp32, it takes about half of prepacked's time (results/exams.csv).
    """
    return _first_of(("packed", "prepacked"), model, plain)


def layout_in_training(model: "PreTrainedModel") -> Layout | None:
    """As `choose_for_answers`, over a model's weights as they are now; None where only the model itself steps.

    For a model that is being trained and answers in between: nothing is held against the plain layout.
    """
    shape = read_shape(model) if _fits(model) else None
    if shape is None:
        return None
    if native_available()[0]:
        return PackedLayout(model)
    return PrepackedLlama(shape, positions=int(model.config.max_position_embeddings))


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


def _first_of(names: Sequence[str], model: "PreTrainedModel", plain: Layout) -> Chosen:
    """The first of these layouts that model and machine allow, or the plain one; its facts say why not the others."""
    no_copy = _no_copy(model)
    refused: dict[str, JsonValue] = {} if no_copy is None else {f"not_{name}": no_copy for name in names}
    for name in names if no_copy is None else ():
        try:
            chosen = _chosen(name, model, plain)
        except ValueError as error:  # no C code here, another shape, or products that cannot be exchanged
            refused[f"not_{name}"] = str(error)
        else:
            return replace(chosen, facts={**chosen.facts, **refused})
    return Chosen(layout=plain, facts={**plain_facts(model, plain), **refused})


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
