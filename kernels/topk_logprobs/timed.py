"""What is timed, and against what: rows of a tree's level on the logits of three models, and several heads at once."""

import functools
import importlib.util
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from offbook.kernels.proof.case import Timed
from offbook.kernels.topk_logprobs import topk_of_logits

Found = tuple[torch.Tensor, torch.Tensor]
CPU = (("draft vocabulary of 8,192, 10 rows", (10, 8_192)), ("SmolLM2-135M, 4 heads", (4, 1, 49_152)))
CUDA = (
    ("SmolLM2-135M, 10 rows", (10, 49_152)),
    ("Qwen2.5-0.5B, 10 rows", (10, 151_936)),
    ("Llama-3-8B, 10 rows", (10, 128_256)),
    ("Llama-3-8B, 4 heads", (4, 1, 128_256)),
    ("Llama-3-8B, 60 rows", (60, 128_256)),
)
K = 10


def cases(device: str) -> Iterator[Timed]:
    """See `Timed`; fp32 on a CPU, where it is decoded in, and bf16 on a GPU."""
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    for shape, sizes in CUDA if device == "cuda" else CPU:
        numbers = math.prod(sizes)
        yield Timed(
            op="topk_logprobs",
            shape=f"{shape}, k {K}",
            dtype=str(dtype).removeprefix("torch."),
            inputs=functools.partial(_logits, sizes, dtype, device),
            providers={"offbook": _ours, "replaced": _replaced} | (_strongest() if device == "cuda" else {}),
            bytes=numbers * dtype.itemsize + numbers // sizes[-1] * K * 12,
            flops=4.0 * numbers,
        )


def _logits(sizes: tuple[int, ...], dtype: torch.dtype, device: str, seed: int) -> tuple[torch.Tensor]:
    generator = torch.Generator(device).manual_seed(seed)
    return ((torch.randn(sizes, generator=generator, device=device) * 3).to(dtype),)


def _ours(logits: torch.Tensor) -> Found:
    return topk_of_logits(logits, K)


def _replaced(logits: torch.Tensor) -> Found:
    exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
    top = exact.topk(K, dim=-1)
    return top.values - exact.logsumexp(dim=-1, keepdim=True), top.indices


def _log_softmax(logits: torch.Tensor) -> Found:
    top = logits.float().log_softmax(dim=-1).topk(K, dim=-1)
    return top.values, top.indices


def _strongest() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {
        "log_softmax, topk": _log_softmax,
        "log_softmax, topk, compiled": torch.compile(_log_softmax, dynamic=False),
        "topk - logsumexp, compiled": torch.compile(_replaced, dynamic=False),
    }
    if importlib.util.find_spec("flashinfer") is not None:
        found["flashinfer.top_k - logsumexp"] = _flashinfer
    return found


def _flashinfer(logits: torch.Tensor) -> Found:
    import flashinfer  # type: ignore[import-not-found,unused-ignore]

    rows = logits.flatten(0, -2)
    values, index = flashinfer.top_k(rows, K, sorted=True)
    shape = (*logits.shape[:-1], K)
    return (values.float() - rows.float().logsumexp(dim=-1, keepdim=True)).view(shape), index.view(shape)
