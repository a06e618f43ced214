"""What is compiled without a GPU: every number of warps, at the vocabularies of three models."""

from collections.abc import Iterator
from functools import partial

import torch

from offbook.kernels.proof.case import Compiled

VOCABULARIES = {"SmolLM2-135M": 49_152, "Qwen2.5-0.5B": 151_936, "Llama-3-8B": 128_256}
ROWS = 10  # of a level of the tree
COUNTS = (1, 10, 32, 64)  # of one tile, of one warp, and of more


def cases() -> Iterator[Compiled]:
    """See `Compiled`; the quick one is a level of EAGLE-2's tree of the largest model."""
    for model, size in VOCABULARIES.items():
        for dtype in (torch.bfloat16, torch.float16, torch.float32):
            for k in COUNTS:
                yield Compiled(
                    op="topk_logprobs",
                    shape=f"{model}, {ROWS} rows, k {k}",
                    dtype=str(dtype).removeprefix("torch."),
                    launch=partial(_launch, size, k, dtype),
                    quick=(model, dtype, k) == ("Llama-3-8B", torch.bfloat16, 10),
                )


def _launch(size: int, k: int, dtype: torch.dtype) -> None:
    from offbook.kernels.topk_logprobs import triton as kernels

    kernels.top(torch.empty(ROWS, size, dtype=dtype), k)
