"""What of it is compiled without a GPU: every tile of the table and kind of mask, at the shapes of real models."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from offbook.kernels.proof.case import Compiled

# name: query heads, key heads, head size
MODELS = {"SmolLM2-135M": (9, 3, 64), "Qwen2.5-0.5B": (14, 2, 64), "Llama-3-8B": (32, 8, 128)}
ODD = {"Phi-2": (32, 32, 80), "Phi-3-mini": (32, 32, 96), "Gemma-2-2B": (8, 4, 256)}  # heads that are padded, or wide
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
CACHE = 2048
TREE = 60


def cases() -> Iterator[Compiled]:
    """See `kernels.proof.case`."""
    for dtype in DTYPES:
        for model in MODELS:
            quick = dtype == "bfloat16" and model == "Llama-3-8B"
            yield _case(model, dtype, TREE, quick=quick)
            yield _case(model, dtype, 1)
            yield _case(model, dtype, 7)
        for model, (_, _, size) in ODD.items():
            if dtype != "float32" or size <= 128:
                yield _case(model, dtype, TREE)
        yield _case("Llama-3-8B", dtype, TREE, splits=1)
        yield _case("Llama-3-8B", dtype, TREE, kind="mask")
        yield _case("Llama-3-8B", dtype, TREE, kind="window")
        capped = "Llama-3-8B" if dtype == "float32" else "Gemma-2-2B"
        yield _case(capped, dtype, TREE, kind="window and softcap")
        yield _case(capped, dtype, 1, kind="window and softcap")
        yield _case("SmolLM2-135M", dtype, 900, kind="branches")


def _case(
    model: str, dtype: str, rows: int, *, kind: str = "words", splits: int | None = None, quick: bool = False
) -> Compiled:
    parts = "" if splits is None else f", {splits} part"
    return Compiled(
        op="tree_attention",
        shape=f"{model}, {rows} rows, {kind}{parts}",
        dtype=dtype,
        launch=_launch(model, DTYPES[dtype], rows, kind, splits),
        tensor_cores=() if dtype == "float32" else ("_split",),
        quick=quick,
    )


def _launch(model: str, dtype: torch.dtype, rows: int, kind: str, splits: int | None) -> Callable[[], None]:
    def launch() -> None:
        from offbook.kernels.tree_attention import triton as kernels

        heads, groups, size = (MODELS | ODD)[model]
        q = torch.empty(1, rows, heads, size, dtype=dtype).transpose(1, 2)
        k, v = torch.empty(2, 1, groups, CACHE, size, dtype=dtype)
        more: dict[str, Any] = {"splits": splits}
        if kind == "mask":
            visible = torch.zeros(1, rows, CACHE, dtype=torch.bool)
        else:
            visible = torch.zeros(1, rows, -(-rows // 64), dtype=torch.int64)
            more |= {"length_B": torch.zeros(1, dtype=torch.int32), "rows": rows}
        if "window" in kind:
            positions = torch.zeros(1, rows, dtype=torch.int64)
            more |= {"window": 1024, "positions_BT": positions, "tree_positions_BN": positions}
        if "softcap" in kind:
            more |= {"softcap": 50.0}
        kernels.attend(q, k, v, visible, scale=size**-0.5, **more)

    return launch
