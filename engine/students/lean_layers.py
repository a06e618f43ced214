"""Layers of Llama's shape, differentiated by hand: fewer sweeps over memory and fewer calls than autograd needs.

    ahead       n = norm(x)       q = turn(n Wqᵀ)   k = turn(n Wkᵀ)   v = n Wvᵀ
    attention   a                                                          `branches.attend`, differentiated by autograd
    behind      y = x + a Woᵀ     m = norm(y)       z = y + (silu(m Wgᵀ) ∘ m Wuᵀ) Wdᵀ

    norm(x) = s x ∘ w,  s = (mean x² + ε)^-½         dx = s (w ∘ g) - s³/H (g · (w ∘ x)) x      dw = Σ s g ∘ x

Residuals, and sums of what several products send back, are added inside of products; a rotation is one multiplication
with two that add to it; SwiGLU goes a few rows at a time, and its product is made again on the way back instead of
kept; and gradients of weights go where they are summed (`gradient_sums.py`). On a CPU, where a sweep over the
activations takes as long as a good part of a product, in fp32, for layers without biases and without norms of queries
and keys (Llama, Mistral). Everywhere else, and without a gradient, a layer is its own. That is also the plain twin: the
same sums, rounded otherwise.

Legend: T rows, H hidden, A query heads, G key/value heads, D head size, I inner.
"""

import contextlib
import functools
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from transformers import PreTrainedModel

from offbook.engine.decoding.layouts.shape import LlamaLayer, read_shape
from offbook.engine.students.branches import attend
from offbook.engine.students.gradient_sums import add_product, add_to_gradient, suits

BLOCK_BYTES = 1 << 18  # of one of half a dozen matrices, for each thread

Pair = tuple[torch.Tensor, torch.Tensor]


@contextlib.contextmanager
def lean_layers(student: nn.Module) -> Iterator[None]:
    """Inside, layers that can be are read so where branches are; to be entered before `summed_gradients`."""
    changed: list[Any] = []
    try:
        for layer, read in _layers(student):
            if _fits(layer, read):
                layer.forward = functools.partial(_layer, layer, read.window)
                changed.append(layer)
        yield
    finally:
        for layer in changed:
            del layer.forward


def _layers(student: Any) -> Iterable[tuple[Any, LlamaLayer]]:
    """The layers of a student of Llama's shape on a CPU, each with what was read of it."""
    here = isinstance(student, PreTrainedModel) and student.device.type == "cpu"
    shape = read_shape(student) if here else None
    return () if shape is None else zip(student.model.layers, shape.layers, strict=True)


def _fits(layer: nn.Module, read: LlamaLayer) -> bool:
    """Whether a layer has nothing that is left out here, is trained as a whole, and nobody changed it."""
    linears = (read.q, read.k, read.v, read.o, read.gate, read.up, read.down)
    return (
        all(linear.bias_N is None for linear in linears)
        and read.q_norm is None
        and read.k_norm is None
        and all(parameter.requires_grad for parameter in layer.parameters())
        and not getattr(layer, "gradient_checkpointing", False)  # that is of its own forward
        and not any("forward" in vars(module) for module in layer.modules())
    )


def _layer(layer: Any, window: int | None, states_1TH: torch.Tensor, **more: Any) -> torch.Tensor:
    """The layer's forward."""
    branches, attention, mlp = more.get("branches"), layer.self_attn, layer.mlp
    if branches is None or states_1TH.dtype != torch.float32 or not suits(states_1TH, attention.q_proj.weight):
        own: torch.Tensor = type(layer).forward(layer, states_1TH, **more)
        return own
    norm, other = layer.input_layernorm, layer.post_attention_layernorm
    x_TH = states_1TH.flatten(0, 1)
    cos_T1D, sin_T1D = (each[0, :, None] for each in more["position_embeddings"])
    weights = (attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight)
    heads = Ahead.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        x_TH, cos_T1D, sin_T1D, norm.weight, *weights, norm.variance_epsilon
    )
    query_1ATD, key_1GTD, value_1GTD = (each[None].transpose(1, 2) for each in heads)
    attended_1TAD, _ = attend(
        attention,
        query_1ATD,
        key_1GTD,
        value_1GTD,
        None,
        branches=branches,
        scaling=attention.scaling,
        sliding_window=window,
    )
    attended = attended_1TAD.flatten(0, 1).flatten(1)
    weights = (mlp.gate_proj.weight, mlp.up_proj.weight, mlp.down_proj.weight)
    behind_TH: torch.Tensor = Behind.apply(  # type: ignore[no-untyped-call]
        x_TH, attended, attention.o_proj.weight, other.weight, *weights, other.variance_epsilon
    )
    return behind_TH[None]


class Ahead(torch.autograd.Function):
    """Turned queries (T, A, D), turned keys and values (T, G, D) of states (T, H)."""

    @staticmethod
    def forward(
        ctx: Any,
        x_TH: torch.Tensor,
        cos_T1D: torch.Tensor,
        sin_T1D: torch.Tensor,
        norm_H: torch.Tensor,
        q_weight: torch.Tensor,
        k_weight: torch.Tensor,
        v_weight: torch.Tensor,
        eps: float,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """See the class; weights as the layer has them."""
        n_TH, scale_T1 = _norm(x_TH, norm_H, eps)
        q, k, v = (
            functional.linear(n_TH, weight).unflatten(1, (-1, cos_T1D.shape[-1]))
            for weight in (q_weight, k_weight, v_weight)
        )
        ctx.weights = norm_H, q_weight, k_weight, v_weight  # themselves, for their gradients: see `gradient_sums.py`
        ctx.save_for_backward(x_TH, n_TH, scale_T1, cos_T1D, sin_T1D)
        return _turned(q, cos_T1D, sin_T1D), _turned(k, cos_T1D, sin_T1D), v

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, q_slope: torch.Tensor, k_slope: torch.Tensor, v_slope: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        """The slope of the states; those of the weights are added where they are summed."""
        x_TH, n_TH, scale_T1, cos_T1D, sin_T1D = ctx.saved_tensors
        norm_H, q_weight, k_weight, v_weight = ctx.weights
        q_slope = _turned(q_slope, cos_T1D, sin_T1D, back=True).flatten(1)
        k_slope = _turned(k_slope, cos_T1D, sin_T1D, back=True).flatten(1)
        v_slope = v_slope.flatten(1)
        for weight, slope in ((q_weight, q_slope), (k_weight, k_slope), (v_weight, v_slope)):
            add_product(weight, slope, n_TH)
        slope_TH = (q_slope @ q_weight).addmm_(k_slope, k_weight).addmm_(v_slope, v_weight)
        return _norm_slope(slope_TH, x_TH, norm_H, scale_T1), *[None] * 7


class Behind(torch.autograd.Function):
    """The layer's states (T, H) of those before it and of what was attended to (T, A D)."""

    @staticmethod
    def forward(
        ctx: Any,
        x_TH: torch.Tensor,
        attended: torch.Tensor,
        o_weight: torch.Tensor,
        norm_H: torch.Tensor,
        gate_weight: torch.Tensor,
        up_weight: torch.Tensor,
        down_weight: torch.Tensor,
        eps: float,
    ) -> torch.Tensor:
        """See the class; weights as the layer has them."""
        y_TH = torch.addmm(x_TH, attended, o_weight.T)
        m_TH, scale_T1 = _norm(y_TH, norm_H, eps)
        gate_TI, up_TI = functional.linear(m_TH, gate_weight), functional.linear(m_TH, up_weight)
        ctx.weights = o_weight, norm_H, gate_weight, up_weight, down_weight
        ctx.save_for_backward(attended, y_TH, m_TH, scale_T1, gate_TI, up_TI)
        return torch.addmm(y_TH, _swiglu(gate_TI, up_TI), down_weight.T)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope_TH: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The slopes of both; those of the weights are added where they are summed."""
        attended, y_TH, m_TH, scale_T1, gate_TI, up_TI = ctx.saved_tensors
        o_weight, norm_H, gate_weight, up_weight, down_weight = ctx.weights
        product_TI, gate_slope_TI, up_slope_TI = _swiglu_slopes(slope_TH @ down_weight, gate_TI, up_TI)
        add_product(down_weight, slope_TH, product_TI)
        add_product(gate_weight, gate_slope_TI, m_TH)
        add_product(up_weight, up_slope_TI, m_TH)
        of_norm_TH = (gate_slope_TI @ gate_weight).addmm_(up_slope_TI, up_weight)
        y_slope_TH = _norm_slope(of_norm_TH, y_TH, norm_H, scale_T1, beside=slope_TH)
        add_product(o_weight, y_slope_TH, attended)
        return y_slope_TH, y_slope_TH @ o_weight, *[None] * 6


def _norm(x_TH: torch.Tensor, weight_H: torch.Tensor, eps: float) -> Pair:
    """The normed states, and the scale s (T, 1)."""
    squares_T1 = torch.linalg.vector_norm(x_TH, dim=-1, keepdim=True).square_()
    scale_T1 = squares_T1.div_(x_TH.shape[-1]).add_(eps).rsqrt_()
    return (x_TH * scale_T1).mul_(weight_H), scale_T1


def _norm_slope(
    slope_TH: torch.Tensor,
    x_TH: torch.Tensor,
    weight_H: torch.Tensor,
    scale_T1: torch.Tensor,
    *,
    beside: torch.Tensor | None = None,
) -> torch.Tensor:
    """The slope of a norm's input, `beside` added; takes the slope of its output, which is used up."""
    product_TH = slope_TH * x_TH
    add_to_gradient(weight_H, product_TH.T @ scale_T1[:, 0])
    along_T1 = (product_TH @ weight_H)[:, None] * scale_T1**3 / x_TH.shape[-1]
    slope_TH.mul_(weight_H)
    found_TH = slope_TH.mul_(scale_T1) if beside is None else torch.addcmul(beside, slope_TH, scale_T1)
    return found_TH.addcmul_(x_TH, along_T1, value=-1)


def _swiglu(gate_TI: torch.Tensor, up_TI: torch.Tensor) -> torch.Tensor:
    """silu(gate) ∘ up."""
    product_TI = torch.empty_like(gate_TI)
    for rows in _blocks(gate_TI):
        torch.mul(functional.silu(gate_TI[rows]), up_TI[rows], out=product_TI[rows])
    return product_TI


def _swiglu_slopes(
    slope_TI: torch.Tensor, gate_TI: torch.Tensor, up_TI: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The product again, and the slopes of gate and up; that of the product is used up."""
    product_TI, up_slope_TI = torch.empty_like(gate_TI), torch.empty_like(gate_TI)
    for rows in _blocks(gate_TI):
        slope, gate, up = slope_TI[rows], gate_TI[rows], up_TI[rows]
        acted = functional.silu(gate)
        torch.mul(acted, up, out=product_TI[rows])
        torch.mul(acted, slope, out=up_slope_TI[rows])
        slope.copy_(torch.ops.aten.silu_backward(slope.mul_(up), gate))
    return product_TI, slope_TI, up_slope_TI


def _blocks(states_TI: torch.Tensor) -> list[slice]:
    """So many rows at a time that all sweeps over them but the first find them in the threads' caches."""
    most = max(1, BLOCK_BYTES // (states_TI.shape[1] * states_TI.itemsize)) * torch.get_num_threads()
    return [slice(first, first + most) for first in range(0, len(states_TI), most)]


def _turned(states: torch.Tensor, cos_T1D: torch.Tensor, sin_T1D: torch.Tensor, *, back: bool = False) -> torch.Tensor:
    """Heads (T, ., D) turned by their rows' angles, or back; both halves of a head have the same angles."""
    half, sign = states.shape[-1] // 2, -1 if back else 1
    turned = states * cos_T1D
    turned[..., :half].addcmul_(states[..., half:], sin_T1D[..., :half], value=-sign)
    turned[..., half:].addcmul_(states[..., :half], sin_T1D[..., half:], value=sign)
    return turned
