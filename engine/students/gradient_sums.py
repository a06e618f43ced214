"""Gradients of weights, summed over the questions of a step inside of the product that makes them.

Autograd makes the gradient of every matrix anew for every question and adds it to the sum, and of the embedding a
matrix that is zero but for the question's tokens: memory traffic alone. Here, on a CPU and in full precision,

    G += dYᵀ X          one product with its sum, for every linear layer but the head (`kernels.vocab_loss` has its own)
    G[ids] += dX        for the embedding

It is the same sum, rounded a little otherwise. Adapters are small, so with LoRA nothing is changed. Weights are kept
for the backward pass as they are and not as saved tensors, which hooks (of activation checkpoints, say) may exchange
for copies that nobody reads the gradient of.

Legend: B batch, T rows, I and O a layer's inputs and outputs, V vocabulary, H hidden.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


@contextlib.contextmanager
def summed_gradients(student: nn.Module) -> Iterator[None]:
    """Inside, the student's large matrices sum their gradients so; its layers come back as they were."""
    changed: list[nn.Module] = []
    try:
        for module in _layers(student):
            if isinstance(module, nn.Linear):
                module.forward = functools.partial(_linear, module)  # type: ignore[method-assign]
            elif isinstance(module, nn.Embedding):
                module.forward = functools.partial(_embedding, module)  # type: ignore[method-assign]
            changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward


def _layers(student: nn.Module) -> list[nn.Module]:
    """Plain linear layers and embeddings that are trained, whose forward nobody changed."""
    modules = list(student.modules())
    if any(isinstance(module, LoraLayer) for module in modules):
        return []
    get = getattr(student, "get_output_embeddings", None)
    head = None if get is None else get()
    return [
        module
        for module in modules
        if module is not head
        and type(module) in (nn.Linear, nn.Embedding)
        and "forward" not in vars(module)
        and module.weight.requires_grad
        and (type(module) is nn.Linear or _plain(module))
    ]


def _plain(module: Any) -> bool:
    """Whether an embedding does nothing but look up rows."""
    return module.max_norm is None and not module.sparse and not module.scale_grad_by_freq


def _linear(layer: nn.Linear, states: torch.Tensor) -> torch.Tensor:
    if not suits(states, layer.weight):
        return functional.linear(states, layer.weight, layer.bias)
    product: torch.Tensor = _Linear.apply(states, layer.weight)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return product if layer.bias is None else product + layer.bias


def _embedding(layer: nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
    if not suits(layer.weight, layer.weight):
        return functional.embedding(ids, layer.weight, layer.padding_idx)
    rows: torch.Tensor = _Embedding.apply(ids, layer.weight, layer.padding_idx)  # type: ignore[no-untyped-call]
    return rows


def suits(states: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether gradients are summed so: on a CPU, in the weight's own format, where somebody wants a gradient."""
    kind = states.device.type
    return (
        kind == "cpu"
        and states.dtype == weight.dtype
        and not torch.is_autocast_enabled(kind)
        and torch.is_grad_enabled()
    )


def add_product(weight_OI: torch.Tensor, slope_TO: torch.Tensor, states_TI: torch.Tensor) -> None:
    """Adds dYᵀ X to the gradient of a weight that has been multiplied by."""
    if weight_OI.grad is None:
        weight_OI.grad = slope_TO.T @ states_TI
    else:
        weight_OI.grad.addmm_(slope_TO.T, states_TI)


def add_to_gradient(weight: torch.Tensor, found: torch.Tensor) -> None:
    """Adds to the gradient of a weight what nobody else holds."""
    if weight.grad is None:
        weight.grad = found
    else:
        weight.grad.add_(found)


class _Linear(torch.autograd.Function):
    """Y = X Wᵀ; the weight's gradient goes where it is summed, and none is handed on."""

    @staticmethod
    def forward(ctx: Any, states_BTI: torch.Tensor, weight_OI: torch.Tensor) -> torch.Tensor:
        ctx.weight = weight_OI
        ctx.save_for_backward(states_BTI)
        return functional.linear(states_BTI, weight_OI)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_BTO: torch.Tensor) -> tuple[torch.Tensor | None, None]:
        (states_BTI,), weight_OI = ctx.saved_tensors, ctx.weight
        add_product(weight_OI, slope_BTO.flatten(0, -2), states_BTI.flatten(0, -2))
        return (slope_BTO @ weight_OI if ctx.needs_input_grad[0] else None), None


class _Embedding(torch.autograd.Function):
    """Rows of the embedding; the gradient goes to these rows of the sum alone."""

    @staticmethod
    def forward(ctx: Any, ids_BT: torch.Tensor, weight_VH: torch.Tensor, padding: int | None) -> torch.Tensor:
        ctx.weight, ctx.padding = weight_VH, padding
        ctx.save_for_backward(ids_BT)
        return functional.embedding(ids_BT, weight_VH)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_BTH: torch.Tensor) -> tuple[None, None, None]:
        (ids_BT,), weight_VH = ctx.saved_tensors, ctx.weight
        ids_N, slope_NH = ids_BT.flatten(), slope_BTH.flatten(0, -2)
        if ctx.padding is not None:  # which has no gradient
            slope_NH = slope_NH * (ids_N != ctx.padding)[:, None]
        if weight_VH.grad is None:
            weight_VH.grad = torch.zeros_like(weight_VH)
        weight_VH.grad.index_add_(0, ids_N, slope_NH)
        return None, None, None
