"""Launches to compile: pools of EAGLE's shapes, from which trees of up to 59 candidates are kept, and a wide one."""

from collections.abc import Iterator
from functools import partial

import torch

from offbook.kernels.proof.case import Compiled

POOLS = {"8 wide, 3 deep": (200, 15), "10 wide, 5 deep": (510, 59), "10 wide, 8 deep": (810, 63), "wide": (2_000, 200)}
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def cases() -> Iterator[Compiled]:
    """By pool and dtype of the scores."""
    for name, (size, keep) in POOLS.items():
        for dtype in DTYPES:
            yield Compiled(
                op="rerank_tree",
                shape=f"{name}: {keep} of {size}",
                dtype=str(dtype).removeprefix("torch."),
                launch=partial(_launch, size, keep, dtype),
                quick=size == 510 and dtype == torch.float32,
            )


def _launch(size: int, keep: int, dtype: torch.dtype) -> None:
    from offbook.kernels.rerank_tree import triton as kernels

    whole = torch.zeros(size, dtype=torch.int64)
    kernels.rerank(torch.empty(size, dtype=dtype), whole, whole, whole[0], whole[0], keep)
