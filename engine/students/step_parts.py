"""Which part of a step the time of an operation belongs to, as torch's profiler tells it.

    product         matrix products, also those that add to a gradient
    attention       torch's fused attention, whose products cannot be told from the rest of it
    attending       what is done around it: masks, keys put together, copies
    norm            RMSNorm
    rotation        of queries and keys, and `swiglu`, where layers are differentiated by hand
    layer           what else a layer does: residuals, sums of slopes; all of that where autograd differentiates
    loss            of the vocabulary, logits to gradient
    embedding       rows looked up, and their gradient
    accumulation    what autograd adds to a gradient
    clip, optimiser the mean and its norm; AdamW, and gradients dropped
    rest            everything else, and time without an operation

An operation belongs to the nearest label around it: one of `labels`, or a name that says it. In the backward pass,
where nothing else says it, it belongs to what the operation it is the derivative of belongs to (both have one sequence
number).
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

from torch import nn
from torch.profiler import record_function

from offbook.engine.students import branches, lean_layers, step

PARTS = (
    "product",
    "attention",
    "attending",
    "norm",
    "rotation",
    "swiglu",
    "layer",
    "loss",
    "embedding",
    "accumulation",
    "clip",
    "optimiser",
    "rest",
)
PRODUCTS = ("mm", "addmm", "addmm_", "bmm", "baddbmm")  # of two matrices: with a vector it is a sweep
NAMED = {  # in an operation's name -> its part
    "scaled_dot_product": "attention",
    "flash_attention": "attention",
    "_OnePass": "loss",
    "log_softmax": "loss",
    "embedding": "embedding",
    "Embedding": "embedding",
    "AccumulateGrad": "accumulation",
    "Optimizer.": "optimiser",
    "_fused_adam": "optimiser",
}
PATCHED: Sequence[tuple[ModuleType, str, str]] = (
    (branches, "attend", "attending"),
    (lean_layers, "attend", "attending"),
    (lean_layers, "_norm", "norm"),
    (lean_layers, "_norm_slope", "norm"),
    (lean_layers, "_turned", "rotation"),
    (lean_layers, "_swiglu", "swiglu"),
    (lean_layers, "_swiglu_slopes", "swiglu"),
    (step, "clipped_mean", "clip"),
)
MARK = "part: "
BACKWARD = "autograd::engine::evaluate_function"


class Event(Protocol):
    """What is read of a profiler's event."""

    name: str
    cpu_parent: Any
    sequence_nr: int

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds that are none of its children's."""
        ...


@contextlib.contextmanager
def labels(student: nn.Module) -> Iterator[None]:
    """Inside, the parts of a step say which they are; to be entered before `branch_attention`."""
    with contextlib.ExitStack() as stack:
        for module, name, part in PATCHED:
            stack.enter_context(_replaced(module, name, record_function(MARK + part)(getattr(module, name))))
        for layer in student.modules():
            kind = type(layer).__name__
            if kind.endswith(("RMSNorm", "DecoderLayer")):
                stack.enter_context(_hooked(layer, MARK + ("norm" if kind.endswith("RMSNorm") else "layer")))
        yield


@contextlib.contextmanager
def _replaced(module: ModuleType, name: str, by: Any) -> Iterator[None]:
    own = getattr(module, name)
    setattr(module, name, by)
    try:
        yield
    finally:
        setattr(module, name, own)


@contextlib.contextmanager
def _hooked(layer: nn.Module, label: str) -> Iterator[None]:
    """By hooks, for a layer with another forward would not be read lean."""
    open_: list[Any] = []

    def enter(*_: Any) -> None:
        open_.append(record_function(label))
        open_[-1].__enter__()

    def leave(*_: Any) -> None:
        open_.pop().__exit__(None, None, None)

    handles = [layer.register_forward_pre_hook(enter), layer.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def seconds_by_part(events: Sequence[Event]) -> dict[str, float]:
    """Seconds that operations took themselves, by their part, without those that are of none but the rest."""
    # Several events may have one number; the last of them made what is differentiated.
    forward = {e.sequence_nr: _label(e) for e in events if e.sequence_nr >= 0 and not _in_backward(e)}
    spent: dict[str, float] = defaultdict(float)
    for event in events:
        part = part_of(event, forward)
        if part is not None:
            spent[part] += event.self_cpu_time_total / 1e6
    return spent


def part_of(event: Event, forward: Mapping[int, str | None]) -> str | None:
    """The part that an event's own time belongs to, None where nothing says it.

    Args:
        event: of the profile.
        forward: parts of the forward pass's operations by sequence number.
    """
    name = event.name.removeprefix("aten::")
    if name in PRODUCTS or name.startswith("mkldnn"):
        return "product"
    label = _label(event)
    if label is None and _in_backward(event):
        numbers = [at.sequence_nr for at in _around(event)]
        label = next((forward[number] for number in numbers if number in forward), None)
    return label


def _label(event: Event) -> str | None:
    """Of the nearest event around it, itself included, that says so."""
    for at in _around(event):
        if at.name.startswith(MARK):
            return at.name.removeprefix(MARK)
        for piece, part in NAMED.items():
            if piece in at.name:
                return part
    return None


def _in_backward(event: Event) -> bool:
    return any(at.name.startswith(BACKWARD) for at in _around(event))


def _around(event: Event) -> Iterator[Event]:
    """The event, and those that it happened in, from the inside out."""
    at: Event | None = event
    while at is not None:
        yield at
        at = at.cpu_parent
