"""Launches to compile: trees of 60 nodes over the vocabularies of three models, and of ten over one of eight tokens."""

from collections.abc import Iterator
from functools import partial

import torch

from offbook.kernels.proof.case import Compiled
from offbook.kernels.verify_tree.rounds import Trees

VOCABULARIES = {"SmolLM2-135M": 49_152, "Qwen2.5-0.5B": 151_936, "Llama-3-8B": 128_256}
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
NODES, SEEDS = 60, 16


def cases() -> Iterator[Compiled]:
    """Greedy and drawing, by model and dtype; drawn candidates of one law, and of two that take turns."""
    sizes = {model: (1, NODES, size) for model, size in VOCABULARIES.items()} | {"small model": (8, 10, 8)}
    for model, (rounds, nodes, size) in sizes.items():
        for dtype in DTYPES if rounds == 1 else DTYPES[:1]:
            for temperature in (0.0, 1.0):
                yield Compiled(
                    op="verify_tree",
                    shape=f"{model}, V {size}, {nodes} nodes, {'drawing' if temperature else 'greedy'}",
                    dtype=_name(dtype),
                    launch=partial(_given, rounds, nodes, size, dtype, temperature),
                    quick=model == "SmolLM2-135M" and dtype == torch.bfloat16 and temperature > 0,
                )
        for turns in (1, 2):
            yield Compiled(
                op="verify_tree",
                shape=f"{model}, V {size}, {nodes} nodes, drawn from {turns} a node",
                dtype="float32",
                launch=partial(_drawn, rounds, nodes, size, turns),
                quick=model == "SmolLM2-135M" and turns == 1,
            )


def _given(rounds: int, nodes: int, size: int, dtype: torch.dtype, temperature: float) -> None:
    from offbook.kernels.verify_tree import triton as kernels

    kernels.walk_given(
        torch.empty(rounds, nodes, size, dtype=dtype), _trees(rounds, nodes, temperature > 0), temperature
    )


def _drawn(rounds: int, nodes: int, size: int, turns: int) -> None:
    from offbook.kernels.verify_tree import triton as kernels

    p_BNV, q_BNTV = torch.empty(rounds, nodes, size), torch.empty(rounds, nodes, turns, size)
    kernels.walk_drawn(p_BNV, q_BNTV, _trees(rounds, nodes, True))


def _trees(rounds: int, nodes: int, draws: bool) -> Trees:
    tokens_BN, node_N = torch.zeros(rounds, nodes, dtype=torch.int64), torch.arange(nodes)
    seeds_BS = torch.zeros(rounds, SEEDS, dtype=torch.int64) if draws else None
    return Trees(tokens_BN, node_N - 1, node_N, seeds_BS, torch.zeros((), dtype=torch.int64) if draws else None)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
