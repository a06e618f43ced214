"""The launches of compact_cache at sizes of real models."""

from collections.abc import Callable, Iterator

import torch

from offbook.kernels.proof.case import Compiled

# Layers, key/value heads, head size.
MODELS = {
    "SmolLM2-135M": (30, 3, 64),
    "Qwen2.5-0.5B": (24, 2, 64),
    "Llama-3-8B": (32, 8, 128),
    "heads of 80": (32, 32, 80),
    "heads of 96": (32, 32, 96),
}
CAPACITY = 2176
PATHS = (8, 64)  # one block, and several


def cases() -> Iterator[Compiled]:
    """Every number format and model; what stands on the device with the longer path, on the host with the shorter."""
    for model, sizes in MODELS.items():
        for dtype in (torch.float32, torch.float16, torch.bfloat16):
            for rows in PATHS:
                yield Compiled(
                    op="compact_cache",
                    shape=f"{model}, path of {rows}",
                    dtype=str(dtype).removeprefix("torch."),
                    launch=_launch(sizes, dtype, rows),
                    quick=(model, dtype, rows) == ("Llama-3-8B", torch.bfloat16, PATHS[-1]),
                )


def _launch(sizes: tuple[int, int, int], dtype: torch.dtype, rows: int) -> Callable[[], None]:
    def launch() -> None:
        from offbook.kernels.compact_cache import triton as kernels

        layers, heads, head_dim = sizes
        storage = torch.empty(2 * layers, 1, heads, CAPACITY, head_dim, dtype=dtype)
        path, number = torch.zeros(rows, dtype=torch.long), torch.zeros(1, dtype=torch.long)
        if rows == PATHS[0]:
            kernels.compact_cache(storage, 100, None, path, None)
        else:
            kernels.compact_cache(storage, 0, number, path, number)

    return launch
