"""expert_pair beside the products one by one that it replaces, and beside stacked products."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.nn import functional

from offbook.kernels.expert_pair import expert_pair, experts_apart, gated_pair, reference
from offbook.kernels.expert_pair.compiled import MODELS
from offbook.kernels.proof.case import Timed

ROWS = (1, 10)  # behind what was committed, and a level of a tree
EXPERTS = 2
SURE = 4.0  # how far apart both scores of a gate are on average, so that no rounding decides which is the larger


def cases(device: str) -> Iterator[Timed]:
    """Pairs and experts apart, as published: two of them."""
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    for model in list(MODELS)[:1] if device == "cpu" else MODELS:
        for rows in ROWS:
            for pair in (True, False):
                yield _case(device, model, dtype, rows, pair)


def _case(device: str, model: str, dtype: torch.dtype, rows: int, pair: bool) -> Timed:
    hidden, inner = MODELS[model]
    inner, before, gates = (hidden, 2, 2 * EXPERTS) if pair else (inner, 1, EXPERTS)
    numbers = EXPERTS * (before + 1) * inner * hidden + gates * hidden
    providers: dict[str, Callable[..., Any]]
    if pair:
        providers = {"offbook": _pair, "replaced": _pair_one_by_one, "stacked": _pair_stacked}
    else:
        providers = {"offbook": _apart, "replaced": _apart_one_by_one, "stacked": _apart_stacked}
    if device != "cpu":
        providers["torch.compile"] = torch.compile(providers["stacked"], dynamic=False)
    return Timed(
        op="expert_pair",
        shape=f"{model}, {rows} rows, {EXPERTS} experts of {inner}{'' if pair else ' apart'}",
        dtype=str(dtype).removeprefix("torch."),
        inputs=functools.partial(_inputs, device, dtype, rows, (hidden, before * inner, inner), gates),
        providers=providers,
        bytes=(numbers + 3 * rows * hidden) * dtype.itemsize,
        flops=2 * rows * numbers,
    )


def _inputs(
    device: str, dtype: torch.dtype, rows: int, sizes: tuple[int, int, int], gates: int, seed: int
) -> Sequence[torch.Tensor]:
    """Rows (R, H), gate (G, H), and the experts' first and second matrices, stacked: (N, I or 2 I, H) and (N, H, I)."""
    generator = torch.Generator(device).manual_seed(seed)
    hidden, first, inner = sizes

    def drawn(*shape: int) -> torch.Tensor:
        std: float = shape[-1] ** -0.5
        return (torch.randn(*shape, generator=generator, device=device) * std).to(dtype)

    u, gate = drawn(rows, hidden) * hidden**0.5, drawn(gates, hidden)
    u[:, 0], gate[:, 0] = 1.0, 0.0
    gate[::EXPERTS, 0] = SURE
    return u, gate, drawn(EXPERTS, first, hidden), drawn(EXPERTS, hidden, inner)


def _pair(u: torch.Tensor, gate: torch.Tensor, first: torch.Tensor, down: torch.Tensor) -> Any:
    gate_up_proj = [(gate_proj, up_proj) for gate_proj, up_proj in first.unflatten(1, (2, -1))]
    return expert_pair(u, gate, gate_up_proj, list(down), second="contrast")


def _pair_one_by_one(u: torch.Tensor, gate: torch.Tensor, first: torch.Tensor, down: torch.Tensor) -> Any:
    gate_up_proj = [(gate_proj, up_proj) for gate_proj, up_proj in first.unflatten(1, (2, -1))]
    return reference.expert_pair(u, gate, gate_up_proj, list(down), second="contrast")


def _pair_stacked(u: torch.Tensor, gate: torch.Tensor, first: torch.Tensor, down: torch.Tensor) -> Any:
    gate_proj, up_proj = torch.bmm(u.expand(EXPERTS, *u.shape), first.transpose(1, 2)).chunk(2, dim=-1)
    outputs = torch.bmm(functional.silu(gate_proj) * up_proj, down.transpose(1, 2))
    return gated_pair(functional.linear(u, gate), list(outputs), second="contrast")


def _apart(u: torch.Tensor, gate: torch.Tensor, first: torch.Tensor, down: torch.Tensor) -> Any:
    return experts_apart(u, gate, list(first), list(down))


def _apart_one_by_one(u: torch.Tensor, gate: torch.Tensor, first: torch.Tensor, down: torch.Tensor) -> Any:
    return reference.experts_apart(u, gate, list(first), list(down))


def _apart_stacked(u: torch.Tensor, gate: torch.Tensor, first: torch.Tensor, down: torch.Tensor) -> Any:
    inner = functional.gelu(torch.bmm(u.expand(EXPERTS, *u.shape), first.transpose(1, 2)))
    return torch.bmm(inner, down.transpose(1, 2)).transpose(0, 1), functional.linear(u, gate).log_softmax(dim=-1)
