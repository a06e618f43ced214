"""The launches of expert_pair at sizes of real models."""

from collections.abc import Callable, Iterator

import torch

from offbook.kernels.proof.case import Compiled

# Hidden size and inner width; Jakiro's experts are as narrow as the hidden size, those kept apart have the inner width.
MODELS = {"SmolLM2-135M": (576, 1536), "Qwen2.5-0.5B": (896, 4864), "Llama-3-8B": (4096, 14336)}
# Experts, and rows: a level of a tree, and as many as the kernels take.
CALLS = ((2, 10), (2, 64), (3, 32), (5, 10))


def cases() -> Iterator[Compiled]:
    """Every number format and model, pairs and experts apart."""
    for model, (hidden, inner) in MODELS.items():
        for dtype in (torch.float32, torch.float16, torch.bfloat16):
            for experts, rows in CALLS:
                for pair in (True, False):
                    yield Compiled(
                        op="expert_pair",
                        shape=f"{model}, {rows} rows, {experts} experts{'' if pair else ' apart'}",
                        dtype=str(dtype).removeprefix("torch."),
                        launch=_launch(hidden, hidden if pair else inner, dtype, experts, rows, pair),
                        tensor_cores=() if dtype == torch.float32 else ("_inner", "_outer"),
                        quick=(model, dtype, experts, rows, pair) == ("Llama-3-8B", torch.bfloat16, *CALLS[0], True),
                    )


def _launch(hidden: int, inner: int, dtype: torch.dtype, experts: int, rows: int, pair: bool) -> Callable[[], None]:
    def launch() -> None:
        from offbook.kernels.expert_pair import triton as kernels

        u, gate = (torch.empty(count, hidden, dtype=dtype) for count in (rows, 2 * experts))
        first, last = (torch.empty(*sizes, dtype=dtype) for sizes in ((inner, hidden), (hidden, inner)))
        firsts, lasts = [first] * experts, [last] * experts
        if pair:
            kernels.expert_pair(u, gate, firsts, firsts, lasts, second="contrast")
        else:
            kernels.experts_apart(u, gate[:experts], firsts, lasts)

    return launch
