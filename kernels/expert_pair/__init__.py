"""Jakiro's experts under one gate: a gated sum of two and a gated difference for one position further, or all apart.

Kernels are for few rows, as a drafter has them: there the weights are read once, and that is the time. A training's
many rows are a library's products; `MOST_ROWS` is where the reference takes over.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch

from offbook.kernels.expert_pair import reference
from offbook.kernels.expert_pair.reference import Second, gated_pair
from offbook.kernels.implementation import triton_runs

__all__ = ["Second", "expert_pair", "experts_apart", "gated_pair"]

MOST_ROWS = 64
DTYPES = (torch.float32, torch.float16, torch.bfloat16)

Matrices = list[torch.Tensor]


def expert_pair(
    u_RH: torch.Tensor,
    gate_GH: torch.Tensor,
    gate_up_proj: Sequence[tuple[torch.Tensor, torch.Tensor]],
    down_proj: Sequence[torch.Tensor],
    *,
    second: Second | None,
    implementation: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Mixture and, if asked, a second prediction; see the reference for arguments.

    Raises:
        ValueError: an implementation that is not to be had.
    """
    if not _kernels_run(u_RH, gate_GH, implementation):
        return reference.expert_pair(u_RH, gate_GH, gate_up_proj, down_proj, second=second)
    gate_proj, up_proj = map(list, zip(*gate_up_proj, strict=True))
    rows = u_RH.reshape(-1, u_RH.shape[-1])
    out_BRH: torch.Tensor = _expert_pair(rows, gate_GH, gate_proj, up_proj, list(down_proj), second, "triton")
    out = out_BRH.view(out_BRH.shape[0], *u_RH.shape)
    return out[0], None if second is None else out[1]


def experts_apart(
    u_RH: torch.Tensor,
    gate_NH: torch.Tensor,
    fc: Sequence[torch.Tensor],
    proj: Sequence[torch.Tensor],
    *,
    implementation: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each expert's output, and the logarithms of their weights; see the reference for arguments.

    Raises:
        ValueError: an implementation that is not to be had.
    """
    if not _kernels_run(u_RH, gate_NH, implementation):
        return reference.experts_apart(u_RH, gate_NH, fc, proj)
    found = _experts_apart(u_RH.reshape(-1, u_RH.shape[-1]), gate_NH, list(fc), list(proj), "triton")
    outputs_RNH, log_weights_RN = cast(tuple[torch.Tensor, torch.Tensor], found)
    leading = u_RH.shape[:-1]
    return outputs_RNH.view(*leading, *outputs_RNH.shape[1:]), log_weights_RN.view(*leading, *log_weights_RN.shape[1:])


def _kernels_run(u_RH: torch.Tensor, gate_GH: torch.Tensor, implementation: str) -> bool:
    if not triton_runs(u_RH, implementation):
        return False
    fits = u_RH.dtype == gate_GH.dtype and u_RH.dtype in DTYPES
    return implementation == "triton" or (fits and u_RH.shape[:-1].numel() <= MOST_ROWS)


@torch.library.custom_op("offbook::expert_pair", mutates_args=())
def _expert_pair(
    u_RH: torch.Tensor,
    gate_GH: torch.Tensor,
    gate_proj: list[torch.Tensor],
    up_proj: list[torch.Tensor],
    down_proj: list[torch.Tensor],
    second: str | None,
    implementation: str = "auto",
) -> torch.Tensor:
    """Mixture and second prediction behind one another, (2, R, H), or (1, R, H) without the second."""
    if not _kernels_run(u_RH, gate_GH, implementation):
        return _plain_pair(u_RH, gate_GH, gate_proj, up_proj, down_proj, second)
    from offbook.kernels.expert_pair import triton as kernels

    return kernels.expert_pair(u_RH, gate_GH, gate_proj, up_proj, down_proj, second=second)


def _plain_pair(
    u_RH: torch.Tensor, gate_GH: torch.Tensor, gate: Matrices, up: Matrices, down: Matrices, second: str | None
) -> torch.Tensor:
    pairs = list(zip(gate, up, strict=True))
    found = reference.expert_pair(u_RH, gate_GH, pairs, down, second=cast(Second | None, second))
    return torch.stack([one for one in found if one is not None])


@_expert_pair.register_fake
def _pair_shape(
    u_RH: torch.Tensor,
    gate_GH: torch.Tensor,
    gate_proj: Matrices,
    up_proj: Matrices,
    down_proj: Matrices,
    second: str | None,
    implementation: str = "auto",
) -> torch.Tensor:
    return u_RH.new_empty(1 if second is None else 2, *u_RH.shape)


def _keep_pair(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    u_RH, gate_GH, gate_proj, up_proj, down_proj, ctx.second, _ = inputs
    ctx.save_for_backward(u_RH, gate_GH, *gate_proj, *up_proj, *down_proj)


def _pair_backward(ctx: Any, grad_BRH: torch.Tensor) -> tuple[Any, ...]:
    count = (len(ctx.saved_tensors) - 2) // 3

    def plain(u_RH: torch.Tensor, gate_GH: torch.Tensor, *w: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (_plain_pair(u_RH, gate_GH, [*w[:count]], [*w[count : 2 * count]], [*w[2 * count :]], ctx.second),)

    u, gate, *w = _recomputed(ctx, plain, grad_BRH)
    return u, gate, w[:count], w[count : 2 * count], w[2 * count :], None, None


_expert_pair.register_autograd(_pair_backward, setup_context=_keep_pair)


@torch.library.custom_op("offbook::experts_apart", mutates_args=())
def _experts_apart(
    u_RH: torch.Tensor,
    gate_NH: torch.Tensor,
    fc: list[torch.Tensor],
    proj: list[torch.Tensor],
    implementation: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor]:
    if not _kernels_run(u_RH, gate_NH, implementation):
        return reference.experts_apart(u_RH, gate_NH, fc, proj)
    from offbook.kernels.expert_pair import triton as kernels

    return kernels.experts_apart(u_RH, gate_NH, fc, proj)


@_experts_apart.register_fake
def _apart_shapes(
    u_RH: torch.Tensor, gate_NH: torch.Tensor, fc: Matrices, proj: Matrices, implementation: str = "auto"
) -> tuple[torch.Tensor, torch.Tensor]:
    rows, hidden = u_RH.shape
    return u_RH.new_empty(rows, len(proj), hidden), u_RH.new_empty(rows, len(proj))


def _keep_apart(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, torch.Tensor]) -> None:
    u_RH, gate_NH, fc, proj, _ = inputs
    ctx.save_for_backward(u_RH, gate_NH, *fc, *proj)


def _apart_backward(ctx: Any, grad_RNH: torch.Tensor, grad_RN: torch.Tensor) -> tuple[Any, ...]:
    count = (len(ctx.saved_tensors) - 2) // 2

    def plain(u_RH: torch.Tensor, gate_NH: torch.Tensor, *w: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return reference.experts_apart(u_RH, gate_NH, w[:count], w[count:])

    u, gate, *w = _recomputed(ctx, plain, grad_RNH, grad_RN)
    return u, gate, w[:count], w[count:], None


_experts_apart.register_autograd(_apart_backward, setup_context=_keep_apart)


def _recomputed(
    ctx: Any, plain: Callable[..., tuple[torch.Tensor, ...]], *grads: torch.Tensor
) -> list[torch.Tensor | None]:
    """The gradient of each saved tensor that needs one, through the reference."""
    groups = [flag if isinstance(flag, list) else [flag] for flag in ctx.needs_input_grad]
    needed = [flag for group in groups for flag in group][: len(ctx.saved_tensors)]
    with torch.enable_grad():
        inputs = [x.detach().requires_grad_(need) for x, need in zip(ctx.saved_tensors, needed, strict=True)]
        pairs = [(out, grad) for out, grad in zip(plain(*inputs), grads, strict=True) if out.requires_grad]
        outputs, upstream = zip(*pairs, strict=True)
        wanted = [x for x in inputs if x.requires_grad]
        found = iter(torch.autograd.grad(outputs, wanted, upstream, allow_unused=True))
    return [next(found) if need else None for need in needed]
